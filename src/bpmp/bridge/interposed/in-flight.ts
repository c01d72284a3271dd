interface Transfer {
  readonly thread: number;
  /** When the guest is told that it takes too long, in ms of `performance.now()`. */
  readonly due: number;
}

/**
 * Requests that a backend has and the guest waits for, by slot. One that takes too long is given up: its guest is
 * answered, and its slot stays taken until the backend lets go of it.
 */
export class InFlight {
  // In the order of their deadlines, as every request has the same time.
  readonly #waiting = new Map<number, Transfer>();
  readonly #givenUp = new Set<number>();
  readonly #deadlineMs: number;
  readonly #onOverdue: (slot: number) => void;
  #timer: NodeJS.Timeout | undefined;

  constructor(deadlineMs: number, onOverdue: (slot: number) => void) {
    this.#deadlineMs = deadlineMs;
    this.#onOverdue = onOverdue;
  }

  /** Taken slots, those given up included. */
  get size(): number {
    return this.#waiting.size + this.#givenUp.size;
  }

  /** Requests that a guest still waits for. */
  get waiting(): number {
    return this.#waiting.size;
  }

  add(slot: number, thread: number): void {
    this.#waiting.set(slot, { thread, due: performance.now() + this.#deadlineMs });
    this.#timer ??= setTimeout(() => this.#expire(), this.#deadlineMs);
  }

  /** The slot in which a request of this thread waits. */
  of(thread: number): number | undefined {
    for (const [slot, transfer] of this.#waiting) {
      if (transfer.thread === thread) return slot;
    }
    return undefined;
  }

  /** Nobody waits for this one any longer; its slot stays taken. */
  giveUp(slot: number): void {
    this.#waiting.delete(slot);
    this.#givenUp.add(slot);
  }

  /** As {@link giveUp}, of all of them: they are somebody else's now. */
  giveUpAll(): void {
    for (const slot of [...this.#waiting.keys()]) this.giveUp(slot);
  }

  /** The backend is done with it. True where its guest still waits for the answer. */
  settle(slot: number): boolean {
    this.#givenUp.delete(slot);
    const isAwaited = this.#waiting.delete(slot);
    if (this.#waiting.size === 0) this.stop();
    return isAwaited;
  }

  /** No deadline fires any more. */
  stop(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  #expire(): void {
    const now = performance.now();
    this.#timer = undefined;
    for (const [slot, { due }] of this.#waiting) {
      if (due > now) {
        this.#timer = setTimeout(() => this.#expire(), due - now);
        return;
      }
      this.giveUp(slot);
      this.#onOverdue(slot);
    }
  }
}
