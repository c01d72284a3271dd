/** A metric as Prometheus has it: a family of series that differ by their labels. */

export type Labels = Readonly<Record<string, string>>;

export interface Sample {
  readonly labels: Labels;
  readonly value: number;
}

/** Cumulative buckets as they are scraped. */
export interface HistogramSample {
  readonly labels: Labels;
  /** Ascending upper bounds, without the last one, +Inf. */
  readonly bounds: readonly number[];
  /** How many values were at most each bound. */
  readonly counts: readonly number[];
  readonly count: number;
  readonly sum: number;
}

export interface MetricInfo {
  /** As the series are called, with `_total` where it is a counter. */
  readonly name: string;
  readonly type: 'counter' | 'gauge' | 'histogram';
  readonly help: string;
  /** The labels of each series. */
  readonly labels: readonly string[];
}

export type Family = MetricInfo &
  ({ readonly samples: readonly Sample[] } | { readonly histograms: readonly HistogramSample[] });
