import type { ReleaseReport } from '../bpmp/mediator/index.js';
import type { BridgeEnded, BridgeHandle, BridgeReady, startBridge } from '../bpmp/worker/index.js';
import type { QemuProcess } from '../qemu/index.js';
import type { QmpClient, QmpEvent } from '../qmp/index.js';
import type { openBridge } from './bridge/index.js';
import type { HandOver } from './hand-over/index.js';
import type { LadderStep } from './stop-ladder.js';

export type VmState = 'new' | 'bridge' | 'qemu' | 'monitor' | 'running' | 'stopping' | 'ended';

export interface VmEvents {
  state: [state: VmState];
  /** The bridge serves; its notes are for people. */
  bridge: [handle: BridgeHandle, ready: BridgeReady];
  /** The guest's device tree as it is handed to QEMU, where it is not QEMU's own. */
  tree: [blob: Uint8Array];
  /** QEMU runs; its console may be read and written from here on. */
  qemu: [process: QemuProcess];
  /** One line of QEMU's stderr, printable. */
  stderr: [line: string];
  rung: [step: LadderStep];
  /** How the guest was asked to power down. */
  asked: [by: 'guest-agent' | 'power-button'];
  /** A line for people. */
  note: [line: string];
  /** What QEMU's monitor tells. */
  event: [event: QmpEvent];
  /** The guest's CPUs stand still, or run again. */
  paused: [isPaused: boolean];
  /** The guest was reset and goes on; what it held, where it had a bridge, was given back. */
  'guest-reset': [release: ReleaseReport | undefined];
  /** The guest is gone, and what it held was given back. */
  'bridge-ended': [ended: BridgeEnded];
}

export interface VmOptions {
  /** Hand every transfer of the bridge over, as its 'transfers' events. */
  readonly record?: boolean;
  /** See `BridgeOptions`. */
  readonly ledgerFile?: string;
  /** A reset of the guest ends QEMU, so that it can be started afresh. */
  readonly resetEnds?: boolean;
  /** QEMU is killed when this process ends, however it ends. By default only where it ends by itself. */
  readonly diesWithUs?: boolean;
  /** QEMU goes on when this process ends, for another one to take it over: see `kept` and `detach`. */
  readonly survives?: boolean;
  /** Goes on with a VM that another process has started, instead of starting one. */
  readonly takeOver?: HandOver;
  /** Called with the monitor while the guest still stands at its first instruction; what it throws ends the start. */
  readonly beforeGuest?: (qmp: QmpClient, qemu: QemuProcess) => Promise<void>;
  /** Serves with a thread that was begun before; by default with one that begins now. */
  readonly startBridge?: typeof startBridge;
  /** @internal Tests bring their own bridge. */
  readonly openBridge?: typeof openBridge;
}
