/** A VM's life: from its file to its end. */
export { type QemuAccount, qemuAccount } from './account.js';
export type { SupervisorStatus } from './controlled.js';
export { monitorDeadlineMs, pinnedBytes } from './deadlines.js';
export { type HandOver, packHandOver, unpackHandOver } from './hand-over/index.js';
export type { HistoryEvent } from './history.js';
export type { HookRun } from './hooks.js';
export type { HeldDevices, HostDevices, HostUndone } from './host-devices.js';
export { type Ending, endings } from './outcome.js';
export type { EndReport } from './report.js';
export { type Operation, type SupervisorState, stateTable } from './states.js';
export { type LadderStep, type Rung, rungs } from './stop-ladder.js';
export { Supervisor } from './supervisor.js';
export type { SupervisorEvents } from './supervisor-events.js';
export type { SupervisorOptions } from './supervisor-options.js';
export { isFailure, type SupervisorReport } from './supervisor-report.js';
export { VirtualMachine } from './virtual-machine.js';
export type { VmEvents, VmOptions, VmState } from './vm-events.js';
