const WINDOW_MS = 1000;

/** Lines that a guest can cause, no more a second than a person or a log can bear; the rest are counted. */
export class Allowance {
  readonly #perSecond: number;
  readonly #now: () => number;
  #left: number;
  #endsMs: number;
  #suppressed = 0;

  constructor(perSecond: number, now: () => number = () => performance.now()) {
    this.#perSecond = perSecond;
    this.#left = perSecond;
    this.#now = now;
    this.#endsMs = now() + WINDOW_MS;
  }

  /** Whether one more may be shown. A whole second's worth comes at a time, so that a flood leaves one gap a second. */
  take(): boolean {
    const now = this.#now();
    if (now >= this.#endsMs) {
      this.#left = this.#perSecond;
      this.#endsMs = now + WINDOW_MS;
    }
    if (this.#left === 0) {
      this.#suppressed++;
      return false;
    }
    this.#left--;
    return true;
  }

  /** How many were suppressed since the last call. */
  countSuppressed(): number {
    const count = this.#suppressed;
    this.#suppressed = 0;
    return count;
  }
}
