import { constants } from 'node:os';
import { type SeccompListener, SlotStage } from '../../../native/index.js';
import { isRepeatable } from '../repeatable.js';
import { type Calls, isCall } from './calls.js';
import type { Slots } from './slots.js';
import { Taken } from './transfers.js';

/** How many calls of a former owner were given up, made again, and only answered. */
export interface ResumeCounters {
  abandoned: number;
  repeated: number;
  resent: number;
}

/** Takes up the calls that a former owner left in its slots: those whose answer is there now, and those that wait. */
export function resumeCalls(
  listener: SeccompListener,
  slots: Slots,
  calls: Calls,
  counters: ResumeCounters,
): { readonly answered: readonly number[]; readonly later: ReadonlySet<number> } {
  const answered: number[] = [];
  const later = new Set<number>();
  for (let slot = 0; slot < slots.count; slot++) {
    const event = listener.resume(slot);
    if (!isCall(event)) continue;
    const stage = slots.stage(slot);
    if (stage === SlotStage.ANSWERED) counters.resent++;
    else if (stage === SlotStage.HANDED && !isRepeatable(slots.mrq(slot))) {
      // Whether it was executed nobody can tell any more, and twice is not the same as once.
      counters.abandoned++;
      slots.answerError(slot, constants.errno.EIO);
    } else {
      if (stage === SlotStage.HANDED) counters.repeated++;
      if (calls.take(event, slot) === Taken.LATER) {
        later.add(slot);
        continue;
      }
    }
    answered.push(slot);
  }
  return { answered, later };
}
