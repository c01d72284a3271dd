import type { Verdict } from '../policy/index.js';

/** One transfer as it happened; what a capture holds and trace, report and learn read. The bytes are copies of their own. */
export interface TransferRecord {
  /** From 0, of one VM's; a gap is what was lost. */
  readonly sequence: number;
  readonly vm: string;
  /** When it was answered, in ns since 1970. */
  readonly timeNs: bigint;
  readonly mrq: number;
  readonly tx: Uint8Array;
  readonly verdict: Verdict;
  /** Whether it was denied for asking about what the view hides, which every guest does as it looks around. */
  readonly hidden?: boolean;
  /** Whether the policy was only watching (mode audit or learn): what was denied may have been answered all the same. */
  readonly observed?: boolean;
  /** The rule's text. */
  readonly rule: string;
  /** The return code that the guest got. */
  readonly ret: number;
  readonly rx: Uint8Array;
  /** From the request's arrival to its answer. */
  readonly latencyNs: number;
  /** The thread of the guest's VMM that asked, as the kernel numbers it; absent where the bridge cannot know. */
  readonly thread?: number;
}
