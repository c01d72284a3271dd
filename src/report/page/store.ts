import type { TransferRecord } from '../../bpmp/capture/index.js';
import { tegra234 } from '../../bpmp/tegra234/index.js';
import { describe } from '../../bpmp/wire/index.js';
import type { Embedded } from '../data/columns.js';
import { fromFlags, isNotable, OUTCOME, outcomeOf } from '../data/outcome.js';
import type { Summary } from '../data/summary.js';
import { type Lane, laneKey, laneOf } from './lane.js';

/** All transfers of the page, with what every picture of them needs worked out once. */
export class Store {
  readonly length: number;
  readonly time: Float64Array;
  readonly latency: Float64Array;
  /** log2 of the latency. */
  readonly log: Float32Array;
  readonly outcome: Uint8Array;
  readonly lane: Uint32Array;
  readonly lanes: readonly Lane[];
  readonly #texts = new Map<number, string>();

  constructor(
    readonly summary: Summary,
    readonly embedded: Embedded,
  ) {
    const { columns } = embedded;
    const { length, flags, ret, mrq, tx } = columns;
    this.length = length;
    this.time = columns.time;
    this.latency = columns.latency;
    this.log = Float32Array.from(columns.latency, (ns) => Math.log2(Math.max(1, ns)));
    this.outcome = new Uint8Array(length);
    for (let row = 0; row < length; row++) this.outcome[row] = outcomeOf(flags[row]!, ret[row]!);
    this.lane = new Uint32Array(length);
    this.lanes = this.#sortIntoLanes(mrq, tx);
  }

  get end(): number {
    return Math.max(1, this.summary.spanNs);
  }

  /** How many transfers a row stands for. */
  weight(row: number): number {
    const { ordinary, notable } = this.summary.kept;
    return isNotable(this.outcome[row]!) ? notable : ordinary;
  }

  record(row: number): TransferRecord {
    const { columns, tables } = this.embedded;
    return {
      sequence: columns.sequence[row]!,
      vm: tables.vms[columns.vm[row]!]!,
      timeNs: BigInt(this.summary.beginNs) + BigInt(Math.round(columns.time[row]!)),
      mrq: columns.mrq[row]!,
      tx: tables.payloads[columns.tx[row]!]!,
      ...fromFlags(columns.flags[row]!),
      rule: tables.rules[columns.rule[row]!]!,
      ret: columns.ret[row]!,
      rx: tables.payloads[columns.rx[row]!]!,
      latencyNs: columns.latency[row]!,
      ...(columns.thread[row]! !== 0 && { thread: columns.thread[row]! }),
    };
  }

  /** The request in one line. */
  text(row: number): string {
    const { columns, tables } = this.embedded;
    const [mrq, tx] = [columns.mrq[row]!, columns.tx[row]!];
    const key = tx * 2 ** 21 + (mrq % 2 ** 21);
    let text = this.#texts.get(key);
    if (text === undefined) {
      text = describe(mrq, tables.payloads[tx]!, tegra234);
      this.#texts.set(key, text);
    }
    return text;
  }

  vm(row: number): string {
    const { columns, tables } = this.embedded;
    return tables.vms[columns.vm[row]!]!;
  }
  rule(row: number): string {
    const { columns, tables } = this.embedded;
    return tables.rules[columns.rule[row]!]!;
  }

  /** The first row at or after a time, among `rows` (or all). */
  firstAt(ns: number, rows?: Uint32Array): number {
    let low = 0;
    let high = rows ? rows.length : this.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.time[rows ? rows[middle]! : middle]! < ns) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  #sortIntoLanes(mrq: Uint32Array, tx: Uint32Array): Lane[] {
    const { payloads } = this.embedded.tables;
    const byKey = new Map<number, Lane>();
    const byRequest = new Map<number, Lane>();
    const lanes: Lane[] = [];
    const counts: number[] = [];
    for (let row = 0; row < this.length; row++) {
      const request = tx[row]! * 2 ** 21 + (mrq[row]! % 2 ** 21);
      let lane = byRequest.get(request);
      if (lane === undefined || lane.mrq !== mrq[row]) {
        const key = laneKey(mrq[row]!, payloads[tx[row]!]!);
        lane = byKey.get(key);
        if (lane === undefined) {
          lane = laneOf(lanes.length, mrq[row]!, payloads[tx[row]!]!);
          byKey.set(key, lane);
          lanes.push(lane);
          counts.push(0);
        }
        byRequest.set(request, lane);
      }
      this.lane[row] = lane.number;
      counts[lane.number]!++;
      if (this.outcome[row]! >= OUTCOME.malformed) lane.refused++;
      if (this.time[row]! < lane.first) lane.first = this.time[row]!;
    }
    for (const lane of lanes) lane.rows = new Uint32Array(counts[lane.number]!);
    counts.fill(0);
    for (let row = 0; row < this.length; row++) {
      const number = this.lane[row]!;
      lanes[number]!.rows[counts[number]!++] = row;
    }
    for (const lane of lanes) lane.shown = lane.rows;
    return lanes;
  }
}
