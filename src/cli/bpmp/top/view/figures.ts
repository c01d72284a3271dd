/** Numbers as they stand in a column of six or seven places. */

const SCALES = ['', 'k', 'M', 'G', 'T'] as const;

/** `0`, `4310`, `99999`, `123k`, `4.5M`. */
export function countText(count: number): string {
  if (count < 100_000) return String(Math.round(count));
  return scaled(count);
}

/** `1 234 567`: for a heading, where there is room. */
export function grouped(count: number): string {
  return String(Math.round(count)).replace(/\B(?=(\d{3})+$)/g, ' ');
}

/** Events a second: `0`, `0.2`, `12.4`, `412`, `12.3k`. */
export function rateText(perSecond: number): string {
  if (perSecond === 0) return '0';
  if (perSecond < 0.05) return '<0.1';
  if (perSecond < 99.95) return perSecond.toFixed(1);
  return perSecond < 9999.5 ? perSecond.toFixed(0) : scaled(perSecond);
}

function scaled(value: number): string {
  let scale = 0;
  let rest = value;
  while (rest >= 999.5 && scale < SCALES.length - 1) {
    rest /= 1000;
    scale++;
  }
  return `${rest < 99.95 && scale > 0 ? rest.toFixed(1) : rest.toFixed(0)}${SCALES[scale]}`;
}

/** A latency: `850 ns`, `12 µs`, `1.2 ms`, `31 s`; three digits at the most. */
export function latencyText(ns: number): string {
  if (ns < 999.5) return `${Math.round(ns)} ns`;
  for (const [unit, factor] of [
    ['µs', 1e3],
    ['ms', 1e6],
  ] as const) {
    const value = ns / factor;
    if (value < 999.5) return `${value < 9.95 ? value.toFixed(1) : value.toFixed(0)} ${unit}`;
  }
  const seconds = ns / 1e9;
  return `${seconds < 9.95 ? seconds.toFixed(1) : seconds.toFixed(0)} s`;
}

/** `14:02:31`, where this user is. */
export function clockText(ms: number): string {
  const date = new Date(ms);
  if (Number.isNaN(date.getTime())) return '--:--:--';
  return [date.getHours(), date.getMinutes(), date.getSeconds()]
    .map((part) => String(part).padStart(2, '0'))
    .join(':');
}

/** `14:02:31.123456`: of a transfer. */
export function preciseClockText(ns: bigint): string {
  const ms = Number(ns / 1_000_000n);
  const micros = Number((ns / 1000n) % 1_000_000n);
  return `${clockText(ms)}.${String(micros).padStart(6, '0')}`;
}
