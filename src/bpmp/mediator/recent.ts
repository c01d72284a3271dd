import { RingReader, type TransferRecord, transfersIn } from '../capture/index.js';
import type { Verdict } from '../policy/index.js';
import { type ChipNames, describe } from '../wire/index.js';

/** How many decisions a report shows. */
export const RECENT_DECISIONS = 20;

/** One of the last decisions, for a report; as JSON would hold it. */
export interface RecentDecision {
  /** ISO 8601, when it was answered. */
  readonly time: string;
  /** `CLK ENABLE GPUSYS (304)` */
  readonly request: string;
  readonly mrq: number;
  readonly verdict: Verdict;
  /** The rule's text. */
  readonly rule: string;
  /** The return code that the guest got. */
  readonly ret: number;
  readonly latencyNs: number;
}

/**
 * The last decisions in a ring of transfers, the oldest first: also when the thread that wrote it is stuck, has failed or was
 * killed.
 */
export function recentDecisions(memory: ArrayBufferLike, offset = 0, names?: ChipNames): RecentDecision[] {
  const reader = new RingReader(memory, offset, { recent: RECENT_DECISIONS });
  let records: TransferRecord[] = [];
  for (let chunk = reader.read(); chunk !== undefined; chunk = reader.read())
    records = [...records, ...transfersIn(chunk.blocks, RECENT_DECISIONS)].slice(-RECENT_DECISIONS);
  return records.map(({ timeNs, mrq, tx, verdict, rule, ret, latencyNs }) => ({
    time: timeOf(timeNs),
    request: describe(mrq, tx, names),
    mrq,
    verdict,
    rule,
    ret,
    latencyNs,
  }));
}

function timeOf(timeNs: bigint): string {
  const ms = Number(timeNs / 1_000_000n);
  return Math.abs(ms) < 8.64e15 ? new Date(ms).toISOString() : 'unknown';
}
