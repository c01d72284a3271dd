import type { Verdict } from '../policy/index.js';
import { Histogram, type LatencySummary, type SavedHistogram } from './histogram.js';

export const verdicts = ['allow', 'deny', 'absorb', 'malformed'] as const satisfies readonly Verdict[];

/** MRQ numbers in the ABI end below this; whatever a guest makes up beyond shares one slot. */
const KNOWN_MRQS = 128;

/** Counters and latencies of one VM, by MRQ and verdict; bounded whatever the guest sends. */
export class Statistics {
  readonly #cells: (Histogram | undefined)[] = new Array((KNOWN_MRQS + 1) * verdicts.length).fill(undefined);
  /** Requests that waited for the rate limit, and those that it refused. */
  delayed = 0;
  refused = 0;
  /** Of those denied, the ones that asked about what the view hides. */
  hidden = 0;
  /** Transfers that reached the backend, the mediator's own questions included. */
  forwarded = 0;

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
    return { cells, delayed, refused, hidden, forwarded };
  }

  restore({ cells, delayed, refused, hidden, forwarded }: SavedStatistics): void {
    for (const [cell, saved] of cells) {
      if (!(cell in this.#cells)) continue;
      this.#cells[cell] ??= new Histogram();
      this.#cells[cell].restore(saved);
    }
    this.delayed += delayed;
    this.refused += refused;
    this.hidden += hidden;
    this.forwarded += forwarded;
  }

  snapshot(): StatisticsSnapshot {
    const rows: StatisticsRow[] = [];
    const totals: Record<Verdict, number> = { allow: 0, deny: 0, absorb: 0, malformed: 0 };
    this.#cells.forEach((histogram, cell) => {
      if (histogram === undefined) return;
      const mrq = Math.floor(cell / verdicts.length);
      const verdict = verdicts[cell % verdicts.length];
      totals[verdict] += histogram.count;
      rows.push({ mrq: mrq === KNOWN_MRQS ? 'unknown' : mrq, verdict, latency: histogram.summary() });
    });
    const { delayed, refused, hidden, forwarded } = this;
    return { totals, rows, delayed, refused, hidden, forwarded };
  }
}

/** By cell; see `Statistics`. */
export interface SavedStatistics {
  readonly cells: readonly (readonly [number, SavedHistogram])[];
  readonly delayed: number;
  readonly refused: number;
  readonly hidden: number;
  readonly forwarded: number;
}

export interface StatisticsRow {
  readonly mrq: number | 'unknown';
  readonly verdict: Verdict;
  readonly latency: LatencySummary;
}

export interface StatisticsSnapshot {
  readonly totals: Readonly<Record<Verdict, number>>;
  readonly rows: readonly StatisticsRow[];
  readonly delayed: number;
  readonly refused: number;
  readonly hidden: number;
  readonly forwarded: number;
}
