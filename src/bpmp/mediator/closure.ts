import type { Backend } from '../backend/index.js';
import { BpmpError, ClkCommand, Mrq } from '../wire/index.js';

/** `struct cmd_clk_get_all_info_response` is 113 bytes: parents[16] at 8, num_parents at 72. */
const REPLY_SIZE = 113;
const PARENTS_AT = 8;
const NUM_PARENTS_AT = 72;
const MAX_PARENTS = 16;
/** What firmware answers for an id without a clock. */
const HOLE: readonly number[] = [BpmpError.EINVAL, BpmpError.ENOENT, BpmpError.ENODEV];

/**
 * The clocks above the granted ones. A guest's `clk_prepare_enable` enables every parent up to the root, and one
 * refusal fails the whole chain, so the parents belong to an allow-list: to be read and enabled, nothing else.
 *
 * Asks the firmware for each clock's list of parents, each clock once. A clock that cannot be asked for has none.
 */
export async function parentsOf(
  granted: Iterable<number>,
  backend: Backend,
  maxClock: number,
): Promise<Set<number>> {
  const asked = new Set<number>(granted);
  const queue = [...asked];
  const parents = new Set<number>();
  for (let clock = queue.pop(); clock !== undefined; clock = queue.pop()) {
    for (const parent of (await listParents(clock, backend)) ?? []) {
      if (parent > maxClock) continue;
      parents.add(parent);
      if (!asked.has(parent)) {
        asked.add(parent);
        queue.push(parent);
      }
    }
  }
  return parents;
}

/** The clocks that this one can hang on; none for an id that the firmware does not know, undefined where it failed. */
export async function listParents(clock: number, backend: Backend): Promise<number[] | undefined> {
  const tx = new Uint8Array(16);
  new DataView(tx.buffer).setUint32(0, ((ClkCommand.GET_ALL_INFO << 24) | clock) >>> 0, true);
  const rx = new Uint8Array(REPLY_SIZE);
  const outcome = await backend.transfer(Mrq.CLK, tx, rx);
  if (outcome.ret < 0) return HOLE.includes(outcome.ret) ? [] : undefined;
  if (outcome.rxSize <= NUM_PARENTS_AT) return undefined;
  const view = new DataView(rx.buffer);
  const count = Math.min(rx[NUM_PARENTS_AT], MAX_PARENTS);
  return Array.from({ length: count }, (_, i) => view.getUint32(PARENTS_AT + 4 * i, true));
}
