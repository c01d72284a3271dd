const scales: readonly (readonly [number, string])[] = [
  [1e9, 's'],
  [1e6, 'ms'],
  [1e3, 'µs'],
];

/** A span of time with four digits at most: `850 ns`, `12.3 µs`, `1.204 s`. */
export function formatLatency(ns: number): string {
  for (const [factor, unit] of scales) {
    if (ns >= factor) return `${Number((ns / factor).toPrecision(4))} ${unit}`;
  }
  return `${Math.round(ns)} ns`;
}
