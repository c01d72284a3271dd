import { Mrq } from '../wire/index.js';

/**
 * The families of which every request leaves the firmware in the same state when it is made twice in a row: they ask, or
 * they set a state and do not count. A reset's pulse is one of them: whoever asked for it still waits for it.
 */
const REPEATABLE: ReadonlySet<number> = new Set([
  Mrq.PING,
  Mrq.THREADED_PING,
  Mrq.QUERY_ABI,
  Mrq.QUERY_FW_TAG,
  Mrq.CLK,
  Mrq.RESET,
  Mrq.PG,
  Mrq.THERMAL,
  Mrq.EMC_DVFS_LATENCY,
  Mrq.EMC_DVFS_EMCHUB,
  Mrq.CPU_NDIV_LIMITS,
  Mrq.ISO_CLIENT,
  Mrq.BWMGR,
  Mrq.BWMGR_INT,
  Mrq.OC_STATUS,
]);

/**
 * Whether a request may be made again whose maker died before its outcome was known. Of any other its guest is told that
 * it failed: a transfer on an I2C bus, or a debug file that is read on, done twice is another thing than done once.
 */
export function isRepeatable(mrq: number): boolean {
  return REPEATABLE.has(mrq);
}
