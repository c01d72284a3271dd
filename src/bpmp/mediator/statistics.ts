import type { Verdict } from '../policy/index.js';
import type { ChipNames, Shape } from '../wire/index.js';
import { type DeniedResource, DeniedResources, type SavedDenials } from './denied-resources.js';
import { Histogram, type LatencySummary, latencyBoundsNs, type SavedHistogram } from './histogram.js';

export const verdicts = ['allow', 'deny', 'absorb', 'malformed'] as const satisfies readonly Verdict[];

/** MRQ numbers in the ABI end below this; whatever a guest makes up beyond shares one slot. */
const KNOWN_MRQS = 128;

/** Counters and latencies of one VM, by MRQ and verdict; bounded whatever the guest sends. */
export class Statistics {
  readonly #cells: (Histogram | undefined)[] = new Array((KNOWN_MRQS + 1) * verdicts.length).fill(undefined);
  readonly #denied: DeniedResources;
  /** Requests that waited for the rate limit, and those that it refused. */
  delayed = 0;
  refused = 0;
  /** Of those denied, the ones that asked about what the view hides. */
  hidden = 0;
  /** Transfers that reached the backend, the mediator's own questions included. */
  forwarded = 0;

  constructor(chip: ChipNames) {
    this.#denied = new DeniedResources(chip);
  }

  /** The policy denied what the shape asks for. */
  deny(shape: Shape): void {
    this.#denied.add(shape);
  }

  record(mrq: number, verdict: Verdict, latencyNs: number): void {
    const row = Math.min(mrq, KNOWN_MRQS);
    const cell = row * verdicts.length + verdicts.indexOf(verdict);
    let histogram = this.#cells[cell];
    if (histogram === undefined) {
      histogram = new Histogram();
      this.#cells[cell] = histogram;
    }
    histogram.record(latencyNs);
  }

  save(): SavedStatistics {
    const { delayed, refused, hidden, forwarded } = this;
    const cells: [number, SavedHistogram][] = [];
    for (const [cell, histogram] of this.#cells.entries())
      if (histogram) cells.push([cell, histogram.save()]);
    return { cells, delayed, refused, hidden, forwarded, denied: this.#denied.save() };
  }

  restore({ cells, delayed, refused, hidden, forwarded, denied }: SavedStatistics): void {
    for (const [cell, saved] of cells) {
      if (!(cell in this.#cells)) continue;
      this.#cells[cell] ??= new Histogram();
      this.#cells[cell].restore(saved);
    }
    this.delayed += delayed;
    this.refused += refused;
    this.hidden += hidden;
    this.forwarded += forwarded;
    this.#denied.restore(denied ?? []);
  }

  snapshot(): StatisticsSnapshot {
    const rows: StatisticsRow[] = [];
    const totals: Record<Verdict, number> = { allow: 0, deny: 0, absorb: 0, malformed: 0 };
    for (const { histogram, ...row } of this.#rows()) {
      totals[row.verdict] += histogram.count;
      rows.push({ ...row, latency: histogram.summary() });
    }
    const { delayed, refused, hidden, forwarded } = this;
    return { totals, rows, denials: this.#denied.rows(), delayed, refused, hidden, forwarded };
  }

  /** The rows' latencies as those draw them who add them up over time. */
  latencies(): LatencyRow[] {
    return this.#rows().map(({ histogram, ...row }) => ({
      ...row,
      count: histogram.count,
      sumNs: histogram.sumNs,
      below: histogram.countsBelow(latencyBoundsNs),
    }));
  }

  #rows(): { mrq: number | 'unknown'; verdict: Verdict; histogram: Histogram }[] {
    return this.#cells.flatMap((histogram, cell) => {
      if (histogram === undefined) return [];
      const mrq = Math.floor(cell / verdicts.length);
      const verdict = verdicts[cell % verdicts.length];
      return [{ mrq: mrq === KNOWN_MRQS ? 'unknown' : mrq, verdict, histogram }];
    });
  }
}

/** By cell; see `Statistics`. */
export interface SavedStatistics {
  readonly cells: readonly (readonly [number, SavedHistogram])[];
  readonly delayed: number;
  readonly refused: number;
  readonly hidden: number;
  readonly forwarded: number;
  /** Absent in what an older gpuvm passed on. */
  readonly denied?: SavedDenials;
}

/** Requests of one MRQ and verdict. */
export interface LatencyRow {
  readonly mrq: number | 'unknown';
  readonly verdict: Verdict;
  readonly count: number;
  readonly sumNs: number;
  /** How many took less than each of `latencyBoundsNs`. */
  readonly below: readonly number[];
}

export interface StatisticsRow {
  readonly mrq: number | 'unknown';
  readonly verdict: Verdict;
  readonly latency: LatencySummary;
}

export interface StatisticsSnapshot {
  readonly totals: Readonly<Record<Verdict, number>>;
  readonly rows: readonly StatisticsRow[];
  /** What the policy denied, by what was asked for; without what the view hides, and without the rate limit's. */
  readonly denials: readonly DeniedResource[];
  readonly delayed: number;
  readonly refused: number;
  readonly hidden: number;
  readonly forwarded: number;
}
