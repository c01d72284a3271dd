import type { TransferRecord } from '../../bpmp/capture/index.js';
import { flagsOf, outcomeOf, outcomes } from '../data/outcome.js';
import { BUCKETS, bucketOf, type Gap, type MrqSummary } from '../data/summary.js';
import { cutText } from './rows.js';

/** Told apart at most: any number may stand in a capture. */
const MAX_MRQS = 100;
const MAX_VMS = 200;
const MAX_GAPS = 1000;
const OTHER_VMS = 'others';

interface PerMrq {
  readonly outcomes: number[];
  readonly latency: number[];
  maxNs: number;
}

/** Counts over every transfer, whether it is kept one by one or not. */
export class Totals {
  readonly outcomes = outcomes.map(() => 0);
  readonly #mrqs = new Map<number, PerMrq>();
  readonly #vms = new Map<string, { transfers: number; next: number }>();
  readonly #gaps: { vm: string; timeNs: bigint; transfers: number }[] = [];
  transfers = 0;
  lost = 0;
  firstNs: bigint | undefined;
  lastNs: bigint | undefined;

  /** A transfer as it stands in the capture, before any filter: what is missing shows in the sequence alone. */
  follow({ vm, sequence, timeNs }: TransferRecord): void {
    const row = this.#vmOf(vm);
    const missing = sequence - row.next;
    // The first is no loss: a ring holds the last ones only. A smaller number is a VM that was started again.
    if (row.next > 0 && missing > 0 && row !== this.#vms.get(OTHER_VMS)) {
      this.lost += missing;
      if (this.#gaps.length < MAX_GAPS) this.#gaps.push({ vm: cutText(vm), timeNs, transfers: missing });
    }
    row.next = sequence + 1;
  }

  add(record: TransferRecord): void {
    const { mrq, latencyNs, timeNs } = record;
    const outcome = outcomeOf(flagsOf(record), record.ret);
    this.transfers++;
    this.outcomes[outcome]!++;
    this.#vmOf(record.vm).transfers++;
    const row = this.#mrqOf(mrq);
    row.outcomes[outcome]!++;
    row.latency[bucketOf(latencyNs)]!++;
    if (latencyNs > row.maxNs) row.maxNs = latencyNs;
    if (this.firstNs === undefined || timeNs < this.firstNs) this.firstNs = timeNs;
    if (this.lastNs === undefined || timeNs > this.lastNs) this.lastNs = timeNs;
  }

  get mrqs(): MrqSummary[] {
    const sum = (values: readonly number[]) => values.reduce((all, value) => all + value, 0);
    return [...this.#mrqs]
      .map(([mrq, { outcomes, latency, maxNs }]) => ({
        mrq,
        outcomes,
        latency: latency.slice(0, latency.findLastIndex((count) => count > 0) + 1),
        maxNs: Math.round(maxNs),
      }))
      .sort((a, b) => sum(b.outcomes) - sum(a.outcomes));
  }

  get vms(): { name: string; transfers: number }[] {
    return [...this.#vms]
      .map(([name, { transfers }]) => ({ name: cutText(name), transfers }))
      .filter(({ transfers }) => transfers > 0)
      .sort((a, b) => b.transfers - a.transfers);
  }

  gapsAfter(beginNs: bigint): Gap[] {
    return this.#gaps.map(({ vm, timeNs, transfers }) => ({ vm, transfers, atNs: Number(timeNs - beginNs) }));
  }

  #vmOf(name: string): { transfers: number; next: number } {
    const known = this.#vms.get(name);
    if (known) return known;
    if (this.#vms.size >= MAX_VMS && name !== OTHER_VMS) return this.#vmOf(OTHER_VMS);
    const row = { transfers: 0, next: 0 };
    this.#vms.set(name, row);
    return row;
  }

  #mrqOf(mrq: number): PerMrq {
    const known = this.#mrqs.get(mrq);
    if (known) return known;
    if (this.#mrqs.size >= MAX_MRQS && mrq !== -1) return this.#mrqOf(-1);
    const row = {
      outcomes: outcomes.map(() => 0),
      latency: Array.from({ length: BUCKETS }, () => 0),
      maxNs: 0,
    };
    this.#mrqs.set(mrq, row);
    return row;
  }
}
