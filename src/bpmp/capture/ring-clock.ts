/** How often the host's clock is looked at, and by how much it must differ from ours to be believed. */
const LOOK_MS = 1000;
const STEP_MS = 100;

/**
 * The time since 1970 from a monotonic one, as two words: without a bigint, which every transfer would have to allocate.
 * That the host's clock was set meanwhile, or the machine slept, is noticed within a second.
 */
export class RingClock {
  /** Of the last time that was asked for. */
  high = 0;
  low = 0;
  readonly #wallMs: () => number;
  #epochMs: number;
  #lookedMs: number;

  constructor(nowMs: number, wallMs: () => number = Date.now) {
    this.#wallMs = wallMs;
    this.#epochMs = wallMs() - nowMs;
    this.#lookedMs = nowMs;
  }

  set(nowMs: number): void {
    if (nowMs - this.#lookedMs >= LOOK_MS) this.#look(nowMs);
    // In two parts, as a double has no room for ns since 1970.
    const epochSeconds = Math.floor(this.#epochMs / 1000);
    const ms = this.#epochMs - epochSeconds * 1000 + nowMs;
    const later = Math.floor(ms / 1000);
    const ns = Math.floor((ms - later * 1000) * 1e6);
    const seconds = epochSeconds + later;
    // 10⁹ seconds are so many times 2³² ns, and the rest; both products are whole numbers below 2⁵³.
    const upper = Math.floor(seconds / 0x1_0000);
    const part = upper * 1e9;
    const lower = (seconds - upper * 0x1_0000) * 1e9 + ns + (part % 0x1_0000) * 0x1_0000;
    this.high = (Math.floor(part / 0x1_0000) + Math.floor(lower / 0x1_0000_0000)) >>> 0;
    this.low = lower >>> 0;
  }

  #look(nowMs: number): void {
    this.#lookedMs = nowMs;
    const epochMs = this.#wallMs() - nowMs;
    if (Math.abs(epochMs - this.#epochMs) > STEP_MS) this.#epochMs = epochMs;
  }
}
