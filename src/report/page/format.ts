const units: readonly (readonly [number, string])[] = [
  [1e9, 's'],
  [1e6, 'ms'],
  [1e3, 'µs'],
  [1, 'ns'],
];

/** `1.24 ms`: three digits that count. */
export function duration(ns: number): string {
  const size = Math.abs(ns);
  if (size === 0) return '0';
  if (size >= 60e9) return `${Math.floor(ns / 60e9)} min ${Math.round((ns % 60e9) / 1e9)} s`;
  const [factor, unit] = units.find(([least]) => size >= least * 0.9995) ?? [1, 'ns'];
  const value = ns / factor;
  return `${value >= 100 ? Math.round(value) : Number(value.toPrecision(3))} ${unit}`;
}

export function count(value: number): string {
  return value.toLocaleString('en-GB');
}

/** `12.4k`: where there is little room. */
export function shortCount(value: number): string {
  if (value < 10_000) return String(value);
  return value < 1e6 ? `${Math.round(value / 1e3)}k` : `${(value / 1e6).toFixed(1)}M`;
}

export function plural(value: number, one: string, many = `${one}s`): string {
  return `${count(value)} ${value === 1 ? one : many}`;
}

/** A time after the beginning, to the µs or, between near neighbours, to the ns: `12.345 678 s`. */
export function offset(ns: number): string {
  const whole = Math.floor(ns / 1e9);
  const rest = Math.round(ns - whole * 1e9);
  const digits = String(rest).padStart(9, '0');
  return `${whole}.${digits.slice(0, 3)} ${digits.slice(3, 6)} ${digits.slice(6)}`;
}

/** A time of day with its date, in UTC, from ns since 1970. */
export function clockTime(ns: bigint): string {
  const date = new Date(Number(ns / 1_000_000n));
  if (Number.isNaN(date.getTime())) return `${ns} ns`;
  const micros = String((ns / 1000n) % 1_000_000n).padStart(6, '0');
  return `${date.toISOString().slice(0, 19).replace('T', ' ')}.${micros} UTC`;
}

/** Round places for marks on an axis, some `wanted` of them. */
export function ticks(from: number, to: number, wanted: number): { values: number[]; step: number } {
  const rough = (to - from) / Math.max(1, wanted);
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((factor) => factor * power).find((size) => size >= rough) ?? power * 10;
  const values: number[] = [];
  for (let value = Math.ceil(from / step) * step; value <= to && values.length < 100; value += step)
    values.push(value);
  return { values, step };
}

/** A mark's text: in the unit that suits the step. */
export function tickText(ns: number, step: number): string {
  const [factor, unit] = units.find(([least]) => step >= least * 0.9995) ?? [1, 'ns'];
  const value = ns / factor;
  return `${count(Number(value.toFixed(step / factor < 1 ? 1 : 0)))} ${unit}`;
}
