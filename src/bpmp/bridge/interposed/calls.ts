import { constants } from 'node:os';
import { ListenerEvent } from '../../../native/index.js';
import type { Opens } from './opens.js';
import type { Slots } from './slots.js';
import { Taken, type Transfers } from './transfers.js';

/** The guest's calls, by their kind. */
export class Calls {
  readonly #slots: Slots;
  readonly #opens: Opens;
  readonly #transfers: Transfers;

  constructor(slots: Slots, opens: Opens, transfers: Transfers) {
    this.#slots = slots;
    this.#opens = opens;
    this.#transfers = transfers;
  }

  take(event: ListenerEvent, slot: number): Taken {
    if (event === ListenerEvent.WRITE) return this.#transfers.take(slot);
    if (event === ListenerEvent.OPEN) this.#opens.answer(slot);
    else this.#slots.answerError(slot, constants.errno.ENOSYS);
    return Taken.ANSWERED;
  }

  get counters(): Record<string, number> {
    return { ...this.#transfers.counters, ...this.#opens.counters };
  }
}

/** True where the slot holds a call that wants an answer. */
export function isCall(event: ListenerEvent): boolean {
  return event === ListenerEvent.WRITE || event === ListenerEvent.OPEN || event === ListenerEvent.OTHER;
}
