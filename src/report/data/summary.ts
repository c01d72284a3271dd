/** What a page says of all transfers, also of those that it does not hold one by one; JSON. */
export interface Summary {
  readonly title: string;
  readonly source: string;
  readonly version: string;
  /** When the report was made, in ISO 8601. */
  readonly madeAt: string;
  readonly filter?: string;
  /** ns since 1970 of the first transfer, as decimal text. */
  readonly beginNs: string;
  /** From the first to the last, in ns. */
  readonly spanNs: number;
  readonly transfers: number;
  /** By the outcome's number. */
  readonly outcomes: readonly number[];
  readonly vms: readonly { readonly name: string; readonly transfers: number }[];
  readonly mrqs: readonly MrqSummary[];
  readonly denials: readonly DenialSummary[];
  /** Refused transfers that are in none of `denials`. */
  readonly otherDenials: number;
  readonly lost: { readonly transfers: number; readonly gaps: readonly Gap[] };
  readonly kept: Kept;
  /** What the source's reader had to say, a line each. */
  readonly notices: readonly string[];
  /** The VM's memory map as an SVG document. */
  readonly memoryMap?: string;
}

export interface MrqSummary {
  /** -1 for those beyond what is told apart. */
  readonly mrq: number;
  readonly outcomes: readonly number[];
  /** Latencies, in buckets that `bucketStart` gives the edges of; without the empty ones at the end. */
  readonly latency: readonly number[];
  readonly maxNs: number;
}

/** Refused transfers that are alike: the same question about the same resource, by the same rule. */
export interface DenialSummary {
  readonly mrq: number;
  readonly text: string;
  readonly outcome: number;
  readonly vm: string;
  readonly rule: string;
  readonly count: number;
  /** In ns after the beginning. */
  readonly firstNs: number;
  readonly lastNs: number;
  /** The least YAML that allows it, where the policy was at hand. */
  readonly fix?: string;
}

/** Transfers that were made and are not in the capture, by their sequence numbers. */
export interface Gap {
  readonly vm: string;
  readonly atNs: number;
  readonly transfers: number;
}

/** How much of all is there one by one: of each `ordinary` many one, and of refused and failed ones each `notable`. */
export interface Kept {
  readonly rows: number;
  readonly ordinary: number;
  readonly notable: number;
}

const PER_OCTAVE = 4;
/** From 16 ns to 17 minutes; what is beyond is in the last. */
export const BUCKETS = 36 * PER_OCTAVE;
const FIRST_OCTAVE = 4;

export function bucketOf(ns: number): number {
  if (!(ns > 16)) return 0;
  return Math.min(BUCKETS - 1, Math.floor((Math.log2(ns) - FIRST_OCTAVE) * PER_OCTAVE));
}

/** Where a bucket begins, in ns. */
export function bucketStart(bucket: number): number {
  return 2 ** (FIRST_OCTAVE + bucket / PER_OCTAVE);
}

/** The value below which `q` (0 to 1) lie, to a bucket's width; 0 where there is none. */
export function quantileOf(buckets: readonly number[], q: number): number {
  const total = buckets.reduce((sum, count) => sum + count, 0);
  let left = Math.ceil(q * total);
  if (left <= 0) return 0;
  for (const [bucket, count] of buckets.entries()) {
    left -= count;
    if (left <= 0) return Math.sqrt(bucketStart(bucket) * bucketStart(bucket + 1));
  }
  return 0;
}
