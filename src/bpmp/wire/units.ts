/** Units that a field's value can be in; a field's name says the same (`rateHz`, `tempMilliC`). */
export type Unit = 'Hz' | 'kHz' | 'kBps' | 'milliC' | 'ns' | 'mW';

/** How many of the unit one of the written suffix is, by the suffix in lower case. */
const suffixes: Record<Unit, Readonly<Record<string, number>>> = {
  Hz: { hz: 1, khz: 1e3, k: 1e3, mhz: 1e6, m: 1e6, ghz: 1e9, g: 1e9 },
  kHz: { khz: 1, mhz: 1e3, m: 1e3, ghz: 1e6, g: 1e6 },
  kBps: { kbps: 1, mbps: 1e3, gbps: 1e6 },
  milliC: { millic: 1, c: 1e3, '°c': 1e3 },
  ns: { ns: 1, us: 1e3, ms: 1e6, s: 1e9 },
  mW: { mw: 1, w: 1e3 },
};

/** What is printed: from the largest, the factor and its name. */
export const unitScales: Readonly<Record<Unit, ReadonlyArray<readonly [number, string]>>> = {
  Hz: [
    [1e9, 'GHz'],
    [1e6, 'MHz'],
    [1e3, 'kHz'],
    [1, 'Hz'],
  ],
  kHz: [
    [1e6, 'GHz'],
    [1e3, 'MHz'],
    [1, 'kHz'],
  ],
  kBps: [
    [1e6, 'GB/s'],
    [1e3, 'MB/s'],
    [1, 'kB/s'],
  ],
  milliC: [[1e3, '°C']],
  ns: [
    [1e6, 'ms'],
    [1e3, 'µs'],
    [1, 'ns'],
  ],
  mW: [
    [1e3, 'W'],
    [1, 'mW'],
  ],
};

/**
 * A number as people write it, in the given unit where it has a suffix: `1.3GHz` → 1300000000 for Hz; `0x10`; `-5`.
 * Undefined where it is no number, or no whole one.
 */
export function parseQuantity(word: string, unit?: Unit): number | bigint | undefined {
  if (/^-?(0[xX][0-9a-fA-F]{1,16}|[0-9]{1,20})$/.test(word)) {
    const whole = word.startsWith('-') ? -BigInt(word.slice(1)) : BigInt(word);
    const number = Number(whole);
    return Number.isSafeInteger(number) ? number : whole;
  }
  const written = /^(-?[0-9]{1,15}(?:\.[0-9]{1,12})?)\s*([a-zA-Z°]{1,6})$/.exec(word);
  if (!written || unit === undefined) return undefined;
  const factor = suffixes[unit][written[2]!.toLowerCase()];
  if (factor === undefined) return undefined;
  const value = Number((Number(written[1]) * factor).toFixed(3));
  return Number.isSafeInteger(value) ? value : undefined;
}

/** `1.3 GHz`, `408 MHz`, `32768 Hz`: the largest scale that loses nothing within six digits after the point. */
export function formatQuantity(value: number, unit: Unit): string {
  const table = unitScales[unit];
  const last = table[table.length - 1]!;
  for (const [factor, name] of table) {
    if (Math.abs(value) < factor) continue;
    const scaled = Number((value / factor).toFixed(6));
    if (Math.abs(scaled * factor - value) < 1e-3) return `${scaled} ${name}`;
  }
  return `${value / last[0]} ${last[1]}`;
}

/** A field's name as people say it: `rateHz` is `rate`. */
export function withoutUnit(name: string): string {
  return name.replace(/(Hz|KHz|KBps|MilliC|Ns|MW)$/, '');
}
