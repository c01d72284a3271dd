/** A VM file's words in QEMU's. */
export { machineArguments } from './machine.js';
export { escapeOption } from './option.js';
export { qemuArguments, type RuntimeArguments, supervisionArguments } from './supervision.js';
export { type VmArgumentOptions, vmArguments } from './vm-arguments.js';
