/** A client for QEMU's machine protocol; exported as `gpuvm/qmp`. */
export { type ConnectOptions, type ExecuteOptions, QmpClient } from './client.js';
export type { EventWait } from './events.js';
export type { Greeting, QmpEvent, QmpFailure } from './message.js';
export type { EventStream } from './stream.js';
export type {
  ArgsOf,
  CommandName,
  DataOf,
  EventName,
  QmpCommands,
  QmpEvents,
  ReturnOf,
  RunState,
  ShutdownCause,
} from './types.js';
