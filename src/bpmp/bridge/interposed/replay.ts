import { isRepeat } from './repeat.js';

/** How long a signal handler may take before its thread's call is restarted, in ms. */
const KEPT_MS = 2000;
const MOST_KEPT = 128;

interface Kept {
  readonly slot: Uint8Array;
  readonly until: number;
}

/**
 * Answers that did not arrive because a signal interrupted the guest's call after its request was executed. The kernel
 * then restarts the call, or the guest does; that repeat is answered from here and never executed a second time.
 * Needed where the kernel has no WAIT_KILLABLE_RECV (before Linux 5.19).
 */
export class ReplayCache {
  // One answer for each thread: a thread makes one call at a time.
  readonly #kept = new Map<number, Kept>();

  get size(): number {
    return this.#kept.size;
  }

  /** Keeps a copy of a slot with its call and its answer. */
  keep(thread: number, slot: Uint8Array, now: number): void {
    this.#kept.delete(thread);
    for (const [other, { until }] of this.#kept) {
      if (until > now && this.#kept.size < MOST_KEPT) break;
      this.#kept.delete(other);
    }
    this.#kept.set(thread, { slot: slot.slice(), until: now + KEPT_MS });
  }

  /**
   * The slot whose answer is owed to this call, or undefined. Either way nothing is kept for the thread any longer: a
   * call that is no repeat says that the thread has given the interrupted one up.
   */
  take(thread: number, slot: Uint8Array, now: number): Uint8Array | undefined {
    const kept = this.#kept.get(thread);
    if (kept === undefined) return undefined;
    this.#kept.delete(thread);
    return kept.until > now && isRepeat(kept.slot, slot) ? kept.slot : undefined;
  }
}
