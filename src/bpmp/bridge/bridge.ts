import type { Outcome } from '../backend/backend.js';

/** What a bridge hands its requests to: one VM's mediator, seen from below. */
export interface RequestHandler {
  /**
   * Decides one request and answers it. `tx` is the bridge's only copy of what the guest sent and is read before
   * this returns; `rx` is the reply buffer, as long as the guest's, written from its start. Never throws and never
   * rejects: whatever goes wrong is an errno for the guest. `thread` is that of the VMM which asks, as the kernel numbers it,
   * where the bridge knows.
   */
  handle(mrq: number, tx: Uint8Array, rx: Uint8Array, thread?: number): Outcome | Promise<Outcome>;
  /** A request whose sizes or pointers cannot be followed, so that there is nothing to decode: -EINVAL, recorded. */
  malformed(mrq: number, reason: string, thread?: number): Outcome;
}

/**
 * How the thread that a bridge runs on is reached while the bridge blocks in a system call: `fd` becomes readable
 * when there is something to do, and `drain` does it.
 */
export interface Control {
  readonly fd: number;
  drain(): void;
}

/** Why a bridge stopped serving. */
export type BridgeEnd =
  /** The guest's side is gone: its process exited or its connection closed. */
  | { readonly reason: 'guest-gone' }
  | { readonly reason: 'closed' }
  /** The guest runs on, and a successor serves it. */
  | { readonly reason: 'handed-over' }
  /** The peer broke the protocol, or the kernel refused; `message` is one line. */
  | { readonly reason: 'fault'; readonly message: string };

/** A descriptor that is kept for a successor. */
export interface NamedFd {
  readonly name: string;
  readonly fd: number;
}

export interface Bridge {
  /**
   * Serves until the guest is gone, `close` is called, or a fault; never rejects. A bridge that serves one guest after
   * another is called again for the next, with that guest's handler in the place of the first one's.
   */
  serve(handler?: RequestHandler): Promise<BridgeEnd>;
  /** Whether another guest may come after this one; absent where none can. */
  readonly canServeAgain?: boolean;
  /**
   * Hands the guest a request of the BPMP's own, up to 120 bytes, and resolves when that is over, however it ends.
   * Absent where a guest cannot be reached.
   */
  notify?(mrq: number, payload: Uint8Array): Promise<unknown>;
  close(): void;
  /**
   * What a successor needs in its place, by name; they stay the bridge's. Absent where there can be none. A name tells of
   * one open file for good: where that changes, the name does.
   */
  descriptors?(): NamedFd[];
  /**
   * Takes no more requests, answers those under way within the deadline, and has `serve` resolve with `handed-over`.
   * Towards the guest nothing is closed as long as somebody has copies of the descriptors.
   */
  quiesce?(deadlineMs: number): void;
  /** Counters for people and tests, by name. */
  stats(): Record<string, number>;
}
