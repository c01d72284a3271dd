/** The control socket of a running VM: its server, its client, and where it lies. */
export type { ControlledVm, VmConsole, VmEvent, VmStatus } from './vm.js';
