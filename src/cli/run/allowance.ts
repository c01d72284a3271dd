/** Lines that a guest can cause, no more a second than a person or a log can bear; the rest are counted. */
export class Allowance {
  readonly #perSecond: number;
  readonly #now: () => number;
  #left: number;
  #atMs: number;
  #suppressed = 0;

  constructor(perSecond: number, now: () => number = () => performance.now()) {
    this.#perSecond = perSecond;
    this.#left = perSecond;
    this.#now = now;
    this.#atMs = now();
  }

  /** Whether one more may be shown. */
  take(): boolean {
    const now = this.#now();
    this.#left = Math.min(this.#perSecond, this.#left + ((now - this.#atMs) / 1000) * this.#perSecond);
    this.#atMs = now;
    if (this.#left < 1) {
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
