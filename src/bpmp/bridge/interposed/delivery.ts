import type { ReplayCache } from './replay.js';
import type { Slots } from './slots.js';

/** What becomes of answers that are sent: those that do not arrive, or may not, are kept for a repeat of their call. */
export class Delivery {
  readonly #slots: Slots;
  readonly #replay: ReplayCache;
  /** False on a kernel where an answer that was taken need not have arrived. */
  isReliable = false;
  readonly counters = { lost: 0 };

  constructor(slots: Slots, replay: ReplayCache) {
    this.#slots = slots;
    this.#replay = replay;
  }

  /** To be called before an answer is sent: afterwards its slot may hold the next call. */
  sending(slot: number): void {
    if (!this.isReliable) this.#keep(slot, false);
  }

  /** The kernel said that the call is gone. */
  lost(slot: number): void {
    this.counters.lost++;
    this.#keep(slot, true);
  }

  #keep(slot: number, isLost: boolean): void {
    if (!this.#slots.isTransfer(slot)) return;
    this.#replay.keep(this.#slots.thread(slot), this.#slots.bytes(slot), performance.now(), isLost);
  }
}
