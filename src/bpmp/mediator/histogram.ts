const SUB_BITS = 3;
const SUB = 1 << SUB_BITS;
const OCTAVES = 40;

/** Bounds for those who want few buckets: each doubling from 512 ns to 1.07 s, which are bounds of the fine ones too. */
export const latencyBoundsNs: readonly number[] = Array.from({ length: 22 }, (_, i) => 2 ** (9 + i));

/**
 * Latencies in logarithmic buckets, eight to each doubling: within 7 % at any size from 1 ns to 18 minutes, in 2.5 KiB,
 * without an allocation per value.
 */
export class Histogram {
  readonly #buckets = new Float64Array(OCTAVES * SUB);
  #count = 0;
  #sumNs = 0;
  #maxNs = 0;

  record(ns: number): void {
    this.#buckets[bucketOf(ns)]++;
    this.#count++;
    this.#sumNs += ns;
    if (ns > this.#maxNs) this.#maxNs = ns;
  }

  /** What it holds, as JSON can; of buckets those that are not empty, as [bucket, count]. */
  save(): SavedHistogram {
    const buckets: [number, number][] = [];
    for (const [bucket, count] of this.#buckets.entries()) if (count > 0) buckets.push([bucket, count]);
    return { buckets, sumNs: this.#sumNs, maxNs: this.#maxNs };
  }

  /** Takes over what another one saved. */
  restore({ buckets, sumNs, maxNs }: SavedHistogram): void {
    for (const [bucket, count] of buckets) {
      if (!(bucket in this.#buckets)) continue;
      this.#buckets[bucket] += count;
      this.#count += count;
    }
    this.#sumNs += sumNs;
    this.#maxNs = Math.max(this.#maxNs, maxNs);
  }

  get count(): number {
    return this.#count;
  }

  get sumNs(): number {
    return this.#sumNs;
  }

  /** How many values were below each of these, which ascend; exact where they are bounds of the buckets. */
  countsBelow(boundsNs: readonly number[]): number[] {
    let below = 0;
    let next = 0;
    return boundsNs.map((bound) => {
      const end = bucketOf(bound);
      while (next < end) below += this.#buckets[next++];
      return below;
    });
  }

  /** The buckets from the first that holds something to the last that does, those between them too. */
  spans(): LatencySpan[] {
    const first = this.#buckets.findIndex((count) => count > 0);
    if (first < 0) return [];
    const end = this.#buckets.findLastIndex((count) => count > 0) + 1;
    return Array.from(this.#buckets.subarray(first, end), (count, i) => ({
      fromNs: lowestOf(first + i),
      toNs: lowestOf(first + i + 1),
      count,
    }));
  }

  /** The middle of the bucket that the quantile (0 to 1) falls in, in ns; 0 where nothing was recorded. */
  quantile(q: number): number {
    let left = Math.ceil(q * this.#count);
    if (left <= 0) return 0;
    for (let i = 0; i < this.#buckets.length; i++) {
      left -= this.#buckets[i];
      if (left <= 0) return Math.min(this.#maxNs, middleOf(i));
    }
    return this.#maxNs;
  }

  summary(): LatencySummary {
    return {
      count: this.#count,
      meanNs: this.#count === 0 ? 0 : Math.round(this.#sumNs / this.#count),
      p50Ns: Math.round(this.quantile(0.5)),
      p99Ns: Math.round(this.quantile(0.99)),
      maxNs: Math.round(this.#maxNs),
    };
  }
}

/** One bucket: latencies from `fromNs` to below `toNs`. */
export interface LatencySpan {
  readonly fromNs: number;
  readonly toNs: number;
  readonly count: number;
}

export interface SavedHistogram {
  readonly buckets: readonly (readonly [number, number])[];
  readonly sumNs: number;
  readonly maxNs: number;
}

export interface LatencySummary {
  readonly count: number;
  readonly meanNs: number;
  readonly p50Ns: number;
  readonly p99Ns: number;
  readonly maxNs: number;
}

function bucketOf(ns: number): number {
  if (!(ns >= SUB)) return ns > 0 ? Math.floor(ns) : 0;
  const octave = Math.floor(Math.log2(ns));
  const sub = Math.floor((ns / 2 ** octave - 1) * SUB);
  return Math.min(OCTAVES * SUB - 1, (octave - SUB_BITS + 1) * SUB + sub);
}

function lowestOf(bucket: number): number {
  if (bucket < SUB) return bucket;
  return 2 ** (Math.floor(bucket / SUB) + SUB_BITS - 1) * (1 + (bucket % SUB) / SUB);
}

function middleOf(bucket: number): number {
  if (bucket < SUB) return bucket;
  const octave = Math.floor(bucket / SUB) + SUB_BITS - 1;
  return 2 ** octave * (1 + ((bucket % SUB) + 0.5) / SUB);
}
