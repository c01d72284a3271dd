/** A client for QEMU's machine protocol; exported as `gpuvm/qmp`. */
export { QmpClient } from './client.js';
export { type Deadlines, deadlinesFor, pinningMs } from './deadlines.js';
export type { EventWait } from './events.js';
export { isRefusal, type QmpRefusal, type QmpRefusalDetails, type QmpRequest } from './failures.js';
export type { QmpState } from './handover.js';
export type { Greeting, QmpEvent, QmpFailure } from './message.js';
export type {
  AdoptOptions,
  ClientOptions,
  ConnectOptions,
  ExecuteOptions,
  ExecuteParameters,
  InheritedCommand,
} from './options.js';
export { redactArguments, redactMessage } from './redact.js';
export { type ReplayOptions, type ReplayServer, replay } from './replay.js';
export type { EventStream } from './stream.js';
export {
  type Direction,
  parseTranscript,
  Transcript,
  type TranscriptEntry,
  type TranscriptOptions,
} from './transcript.js';
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
