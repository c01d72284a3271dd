import type { Decision } from '../policy/index.js';

/** One transfer as it happened; what capture, trace and the console see. The bytes are copies of their own. */
export interface TransferRecord {
  readonly sequence: number;
  readonly vm: string;
  /** Monotonic, from `process.hrtime.bigint()`. */
  readonly timeNs: bigint;
  readonly mrq: number;
  readonly tx: Uint8Array;
  readonly verdict: Decision['verdict'];
  /** Whether it was denied for asking about what the view hides, which every guest does as it looks around. */
  readonly hidden?: boolean;
  /** The rule's text. */
  readonly rule: string;
  /** The return code that the guest got. */
  readonly ret: number;
  readonly rx: Uint8Array;
  /** From the request's arrival to its answer. */
  readonly latencyNs: number;
}
