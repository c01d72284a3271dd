/** How the time of a transfer is told: by the clock, since the first, or since the one before it. */
export type TimeForm = 'absolute' | 'relative' | 'delta';

/** Times of transfers that are shown one after the other, as text. */
export class Times {
  readonly #form: TimeForm;
  #since: bigint | undefined;
  /** A million transfers happen in few seconds: each second's text is made once. */
  #second = -1n;
  #secondText = '';

  constructor(form: TimeForm) {
    this.#form = form;
  }

  format(timeNs: bigint): string {
    if (this.#form === 'absolute') return this.#clock(timeNs);
    const passed = timeNs - (this.#since ?? timeNs);
    if (this.#form === 'delta' || this.#since === undefined) this.#since = timeNs;
    const sign = passed < 0n ? '-' : '';
    const micros = ((passed < 0n ? -passed : passed) / 1000n).toString().padStart(7, '0');
    return `${sign}${micros.slice(0, -6)}.${micros.slice(-6)}`.padStart(12);
  }

  #clock(timeNs: bigint): string {
    const second = timeNs / 1_000_000_000n;
    if (second !== this.#second) {
      this.#second = second;
      this.#secondText = clockOf(Number(second));
    }
    return `${this.#secondText}.${((timeNs % 1_000_000_000n) / 1000n).toString().padStart(6, '0')}`;
  }
}

/** The time of day here, as tcpdump has it; its date is in --json. */
function clockOf(seconds: number): string {
  const date = new Date(seconds * 1000);
  if (Number.isNaN(date.getTime())) return '??:??:??';
  return [date.getHours(), date.getMinutes(), date.getSeconds()]
    .map((part) => String(part).padStart(2, '0'))
    .join(':');
}

/** ISO 8601 with all nine digits; undefined for what is beyond a calendar. */
export function isoTime(timeNs: bigint): string | undefined {
  const date = new Date(Number(timeNs / 1_000_000n));
  if (Number.isNaN(date.getTime())) return undefined;
  return `${date.toISOString().slice(0, 19)}.${(timeNs % 1_000_000_000n).toString().padStart(9, '0')}Z`;
}
