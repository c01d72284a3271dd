/** Seconds that are remembered, beside the one that is under way. */
const WINDOW = 60;
const SLOTS = WINDOW + 2;

/** How often something happened lately: counts by second, for rates over any span up to a minute. */
export class Rolling {
  readonly #slots = new Uint32Array(SLOTS);
  /** The newest second that has a slot; nothing yet below 0. */
  #newest = -1;
  #peak = 0;

  /** @param atMs - when it happened; what is older than the window counts for nothing */
  add(atMs: number): void {
    const second = Math.floor(atMs / 1000);
    this.#advance(second);
    if (second <= this.#newest - SLOTS) return;
    const count = ++this.#slots[second % SLOTS];
    if (count > this.#peak) this.#peak = count;
  }

  /** The most that fell into one second. */
  get peak(): number {
    return this.#peak;
  }

  /**
   * How many a second, over the `spanS` seconds before `nowMs`: the oldest second counts for the part of it that the
   * span still covers, so that the figure moves without steps.
   */
  rate(nowMs: number, spanS: number): number {
    const now = Math.floor(nowMs / 1000);
    const part = nowMs / 1000 - now;
    let sum = this.#at(now - spanS) * (1 - part);
    for (let second = now - spanS + 1; second <= now; second++) sum += this.#at(second);
    return sum / spanS;
  }

  /** Counts of the last `length` whole seconds, the oldest first. */
  history(nowMs: number, length = WINDOW): number[] {
    const now = Math.floor(nowMs / 1000);
    return Array.from({ length }, (_, i) => this.#at(now - length + i));
  }

  #at(second: number): number {
    return second > this.#newest || second <= this.#newest - SLOTS || second < 0
      ? 0
      : this.#slots[second % SLOTS];
  }

  #advance(second: number): void {
    if (second <= this.#newest) return;
    const first = Math.max(this.#newest + 1, second - SLOTS + 1);
    for (let passed = first; passed <= second; passed++) this.#slots[passed % SLOTS] = 0;
    this.#newest = second;
  }
}
