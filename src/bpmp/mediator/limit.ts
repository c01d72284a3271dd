const LONGEST_BEAT_MS = 5;

/**
 * A token bucket that lends: a request that finds it empty takes its token on credit and waits for it to be
 * earned, so that the average is the limit however coarse the timer is.
 */
export class TokenBucket {
  readonly #perMs: number;
  readonly #burst: number;
  #tokens: number;
  #at: number;

  /** @param perSecond tokens earned a second; @param burst the most that is saved up, in tokens */
  constructor(perSecond: number, burst: number, nowMs: number) {
    this.#perMs = perSecond / 1000;
    this.#burst = burst;
    this.#tokens = burst;
    this.#at = nowMs;
  }

  /** What there is now; below 0 where tokens were lent. */
  balance(nowMs: number): number {
    this.#earn(nowMs);
    return this.#tokens;
  }

  /** Goes on with what another one had. */
  setBalance(tokens: number): void {
    this.#tokens = Math.min(this.#burst, tokens);
  }

  /** Takes one token if there is one. */
  tryTake(nowMs: number): boolean {
    this.#earn(nowMs);
    if (this.#tokens < 1) return false;
    this.#tokens -= 1;
    return true;
  }

  /**
   * Takes one token, on credit if need be.
   * @returns how long to wait for it, in ms; undefined (and nothing taken) where that is longer than `longestMs`
   */
  borrow(nowMs: number, longestMs: number): number | undefined {
    this.#earn(nowMs);
    const waitMs = Math.max(0, (1 - this.#tokens) / this.#perMs);
    if (waitMs > longestMs) return undefined;
    this.#tokens -= 1;
    return waitMs === 0 ? 0 : this.#toBeat(nowMs + waitMs) - nowMs;
  }

  /**
   * Waits end together, on a beat: a guest that floods from many threads wakes the CPU that its neighbours use a few
   * hundred times a second, not as often as it asks. What is earned meanwhile is not lost, as the burst holds it.
   */
  #toBeat(atMs: number): number {
    const beatMs = Math.min(LONGEST_BEAT_MS, this.#burst / this.#perMs / 2);
    return Math.ceil(atMs / beatMs) * beatMs;
  }

  #earn(nowMs: number): void {
    // A clock that stands still or steps back earns nothing, and takes nothing away.
    if (nowMs <= this.#at) return;
    this.#tokens = Math.min(this.#burst, this.#tokens + (nowMs - this.#at) * this.#perMs);
    this.#at = nowMs;
  }
}
