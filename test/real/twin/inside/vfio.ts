/** Runs in the twin: uses edu and e1000e through gpuvm/vfio and reports what there was to see. x86-vfio.test.ts judges it. */
import { see } from './see.js';
import { MEMLOCK, tryToMapTooMuch, vfioCases } from './vfio-cases.js';

if (process.argv[2] === MEMLOCK) process.stdout.write(JSON.stringify(tryToMapTooMuch()));
else void see(vfioCases);
