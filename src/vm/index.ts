/** A VM's life: from its file to its end. */
export { type Ending, endings } from './outcome.js';
export type { EndReport } from './report.js';
export { type LadderStep, type Rung, rungs } from './stop-ladder.js';
export { VirtualMachine, type VmEvents, type VmOptions, type VmState } from './virtual-machine.js';
