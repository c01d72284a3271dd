import type { BridgeEnd } from '../bridge/bridge.js';
import type {
  DenialEvent,
  LatencyRow,
  MediatorSnapshot,
  RecentDecision,
  ReleaseReport,
} from '../mediator/index.js';
import type { Mode, View } from '../policy/index.js';
import type { BridgeConfig, NamedFd } from './config.js';

export interface WorkerData {
  /** An eventfd: readable when the main thread wants something of a thread that blocks in a system call. */
  readonly controlFd: number;
}

/** How one guest's time on the bridge ended, and what was given back afterwards. */
export interface BridgeEnded {
  readonly end: BridgeEnd;
  readonly release: ReleaseReport;
  readonly snapshot: BridgeSnapshot;
  /** The last decisions, the oldest first; also of a bridge whose thread failed. */
  readonly lastDecisions: readonly RecentDecision[];
  /** In mode `learn`: the policy that would have let pass what was denied, as YAML. */
  readonly learned?: string;
  /** The simulated BPMP's state after everything was given back; absent with another backend. */
  readonly backendState?: unknown;
}

export interface BridgeSnapshot extends MediatorSnapshot {
  /** The bridge's own counters. */
  readonly bridge: Readonly<Record<string, number>>;
  /** Transfers that 'transfers' events did not tell of, because the main thread did not keep up. */
  readonly recordsDropped: number;
}

/** What a bridge has seen and how it is set up, at length. */
export interface BridgeMeasurements {
  readonly snapshot: BridgeSnapshot;
  readonly latencies: readonly LatencyRow[];
  readonly policy: { readonly file: string; readonly mode: Mode; readonly view: View };
}

/** What of the BPMP the policy lets the guest have, as far as its device tree says so. */
export interface GuestView {
  /** The buses that the guest may use, ascending. */
  readonly i2cBuses: readonly number[];
  /** Whether it may read temperatures. */
  readonly thermal: boolean;
  /** Modes audit and learn: it is to be seen what the guest would use, so nothing is withheld from its tree. */
  readonly observed: boolean;
}

/** What a bridge tells of itself once it serves. */
export interface BridgeReady {
  /** Lines for people: a policy's warnings, the layout chosen and why. */
  readonly notes: readonly string[];
  /** The vfio-user window as the guest will see it. */
  readonly window?: { readonly layout: 'shared' | 'trapped'; readonly guestAddress: bigint };
  readonly guest: GuestView;
  /** What was given back before this guest came: its predecessor's supervisor died and could not. */
  readonly recovered?: ReleaseReport;
}

export type Question =
  | { readonly what: 'snapshot' }
  | { readonly what: 'measurements' }
  | { readonly what: 'backend-state' }
  /** Asked as the guest would ask; the answer is a `BpmpAnswer`. */
  | { readonly what: 'request'; readonly mrq: number; readonly tx: Uint8Array }
  /** The guest was reset; the answer is the report of what was given back. */
  | { readonly what: 'guest-reset' }
  /** The answer is a `HandOverState`, once the bridge serves no more; then the thread ends. */
  | { readonly what: 'hand-over'; readonly deadlineMs: number }
  | { readonly what: 'set-temperature'; readonly zone: string; readonly millicelsius: number };

export type ToWorker =
  /** The first of all, and once. */
  | { readonly type: 'serve'; readonly config: BridgeConfig; readonly stateFd: number }
  | { readonly type: 'ask'; readonly id: number; readonly question: Question }
  /** Which process the guest lives in, once that is known. */
  | { readonly type: 'guest-process'; readonly pid: number }
  | { readonly type: 'close' };

export type FromWorker =
  | { readonly type: 'ready'; readonly ready: BridgeReady }
  | { readonly type: 'failed'; readonly code: string; readonly message: string }
  /** A quarter of the ring is new since somebody who wants to know of it has looked. */
  | { readonly type: 'transfers' }
  /** What a successor needs, as copies; the receiver's. */
  | { readonly type: 'descriptors'; readonly fds: readonly NamedFd[] }
  | { readonly type: 'denial'; readonly denial: DenialEvent }
  | { readonly type: 'guest-ended'; readonly ended: BridgeEnded }
  | { readonly type: 'ended'; readonly ended: BridgeEnded }
  | { readonly type: 'answer'; readonly id: number; readonly value: unknown }
  | { readonly type: 'refusal'; readonly id: number; readonly message: string };
