/** A guest's tree that somebody wrote by hand, held against what follows from the VM file, the host's tree and QEMU. */
export { checkGuestTree, mendGuestTree } from './check.js';
export { addressOf as cpuAddressOf, cpusOf } from './cpus.js';
export type { Expectations, ExpectedWindow } from './expectations.js';
export { lineOf, type TreeFinding } from './finding.js';
export { unjudgedCarveOuts } from './memory.js';
