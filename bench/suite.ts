/** What a benchmark hands back: figures as measured, and the ratios that the project promises. */
export interface Suite {
  readonly name: string;
  /** One line: what was done how often, against what. */
  readonly what: string;
  readonly figures: readonly Figure[];
  readonly ratios: readonly Ratio[];
}

export interface Figure {
  readonly label: string;
  readonly p50: number;
  readonly p99: number;
  readonly unit: 'ns' | 'µs' | 'ms' | '1/s' | 'accesses';
  readonly samples: number;
}

/** A figure over its baseline, both from this run. */
export interface Ratio {
  readonly label: string;
  readonly value: number;
  /** What is promised: the ratio is to be at most, or at least, this. */
  readonly promise: { readonly atMost: number } | { readonly atLeast: number };
}

export function isKept({ value, promise }: Ratio): boolean {
  return 'atMost' in promise ? value <= promise.atMost : value >= promise.atLeast;
}

/** The value below which `q` (0 to 1) of the samples lie. */
export function quantile(samples: readonly number[], q: number): number {
  const sorted = [...samples].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(q * sorted.length))];
}
