import type { TransferRecord } from '../../../../bpmp/capture/index.js';
import { Histogram } from '../../../../bpmp/mediator/index.js';
import { Rolling } from './rolling.js';

export const verdicts = [
  'allow',
  'absorb',
  'deny',
  'malformed',
] as const satisfies readonly TransferRecord['verdict'][];

/** What is counted of anything: a command, a resource, a refusal, all together. */
export class Activity {
  readonly verdicts: Record<TransferRecord['verdict'], number> = {
    allow: 0,
    absorb: 0,
    deny: 0,
    malformed: 0,
  };
  last: TransferRecord | undefined;
  #count = 0;
  /** Of the only transfer: a guest that makes up ids has thousands of which there is one each. */
  #firstMs = 0;
  #firstNs = 0;
  #rolling: Rolling | undefined;
  #latency: Histogram | undefined;

  get count(): number {
    return this.#count;
  }

  get rolling(): Rolling {
    if (this.#rolling === undefined) {
      this.#rolling = new Rolling();
      if (this.#count > 0) this.#rolling.add(this.#firstMs);
    }
    return this.#rolling;
  }

  get latency(): Histogram {
    if (this.#latency === undefined) {
      this.#latency = new Histogram();
      if (this.#count > 0) this.#latency.record(this.#firstNs);
    }
    return this.#latency;
  }

  add(record: TransferRecord, atMs: number): void {
    this.verdicts[record.verdict]++;
    this.last = record;
    if (this.#count === 0 && this.#rolling === undefined && this.#latency === undefined) {
      this.#firstMs = atMs;
      this.#firstNs = record.latencyNs;
    } else {
      this.rolling.add(atMs);
      this.latency.record(record.latencyNs);
    }
    this.#count++;
  }
}

/** How often each of a few things was seen; what comes when there is no room is counted together. */
export class Counts<Key extends string | number> {
  readonly #counts = new Map<Key, number>();
  readonly #most: number;
  others = 0;

  constructor(most: number) {
    this.#most = most;
  }

  add(key: Key): void {
    const count = this.#counts.get(key);
    if (count !== undefined) this.#counts.set(key, count + 1);
    else if (this.#counts.size < this.#most) this.#counts.set(key, 1);
    else this.others++;
  }

  /** The most frequent first. */
  entries(): [Key, number][] {
    return [...this.#counts].sort(([, a], [, b]) => b - a);
  }
}
