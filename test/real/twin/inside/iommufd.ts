/**
 * Runs in the twin, on a kernel that has iommufd: all that vfio.ts does, by way of iommufd, and what is different there.
 * x86-iommufd.test.ts judges it.
 */
import { answer, OTHER } from './holding.js';
import { iommufdCases, iommufdCasesBefore } from './iommufd-cases.js';
import { goBy } from './opening.js';
import { see } from './see.js';
import { MEMLOCK, tryToMapTooMuch, vfioCases } from './vfio-cases.js';

const [mode] = process.argv.slice(2);
if (mode === OTHER) answer();
else if (mode === MEMLOCK) process.stdout.write(JSON.stringify(tryToMapTooMuch()));
else {
  goBy('iommufd');
  const { commandLine: _, ...cases } = vfioCases;
  void see({ ...iommufdCasesBefore, ...cases, ...iommufdCases });
}
