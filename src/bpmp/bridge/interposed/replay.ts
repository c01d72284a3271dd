import { bearsAnswer, isRepeat } from './repeat.js';

/** How long a signal handler may take before its thread's call is restarted, in ms. */
const KEPT_MS = 2000;
const MOST_KEPT = 128;

interface Kept {
  readonly slot: Uint8Array;
  until: number;
  /** False where the kernel took the answer, which does not yet say that the call got it. */
  isLost: boolean;
}

/**
 * Answers that did not arrive, or may not have, because a signal interrupted the guest's call after its request was
 * executed. The kernel then restarts the call, or the guest does; that repeat is answered from here and never executed a
 * second time. Which kernels need it, and for what, is in docs/bridges.md.
 */
export class ReplayCache {
  // One answer for each thread: a thread makes one call at a time.
  readonly #kept = new Map<number, Kept>();

  get size(): number {
    return this.#kept.size;
  }

  /** Keeps a copy of a slot with its call and its answer. */
  keep(thread: number, slot: Uint8Array, now: number, isLost: boolean): void {
    const known = this.#kept.get(thread);
    if (known === undefined) {
      this.#makeRoom(now);
      this.#kept.set(thread, { slot: slot.slice(), until: now + KEPT_MS, isLost });
      return;
    }
    known.slot.set(slot);
    known.until = now + KEPT_MS;
    known.isLost = isLost;
  }

  /**
   * The slot whose answer is owed to this call, or undefined. Either way it is owed to no later one: a call that is no
   * repeat says that its thread has got its answer, or has given the interrupted call up.
   */
  take(thread: number, slot: Uint8Array, now: number): Uint8Array | undefined {
    const kept = this.#kept.get(thread);
    if (kept === undefined || kept.until <= now) return undefined;
    kept.until = 0;
    // The cheap question first: on kernels that need this, every request is asked.
    const isOwed = (kept.isLost || bearsAnswer(kept.slot, slot)) && isRepeat(kept.slot, slot);
    return isOwed ? kept.slot : undefined;
  }

  #makeRoom(now: number): void {
    for (const [thread, { until }] of this.#kept) {
      if (until > now && this.#kept.size < MOST_KEPT) return;
      this.#kept.delete(thread);
    }
  }
}
