/** A process with a bridge and the stand-in behind it, to be killed: `node … supervisor-process.ts HANDLER STANDIN-ARGUMENT…` */
import { spawn } from 'node:child_process';
import { wrapCommand } from '../../../../../src/bpmp/bridge/interposed/index.js';
import { addon } from '../../../../../src/native/index.js';
import type { HandlerName } from './handlers.js';
import { standin } from './standin.js';
import { startBridgeThread } from './supervise.js';

const [handler, ...args] = process.argv.slice(2);
const [ours, theirs] = addon().socketPair();
const bridge = startBridgeThread({ handler: handler as HandlerName, socketFd: ours });
const { file, args: words } = wrapCommand(standin, args, { socketFd: 3 });
// The stand-in prints into the same pipe, and goes on after its supervisor's death.
spawn(file, words, { stdio: ['ignore', 'inherit', 'inherit', theirs], detached: true });
addon().closeFd(theirs);
// A guest that is over at once has been served as well.
await Promise.race([bridge.serving(), bridge.result]);
process.stdout.write('serving\n');
