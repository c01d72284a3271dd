import type { TransferRecord } from '../../bpmp/capture/index.js';
import { type Columns, emptyColumns, type Tables } from '../data/columns.js';
import { flagsOf, isNotable, outcomeOf } from '../data/outcome.js';

/** Longer texts are cut: they come from a file that anybody may have written. */
const MAX_TEXT = 300;
/** Bytes of payloads and texts, each counted once. */
const MAX_BYTES = 64 * 2 ** 20;

export interface Kept {
  readonly ordinary: number;
  readonly notable: number;
}

/**
 * Transfers as columns, as many as there is room for. When it is full every second of the ordinary ones goes, evenly over
 * all, and of the refused and failed ones only when these alone fill it.
 */
export class Rows {
  readonly #limit: number;
  #columns: ReturnType<typeof emptyColumns>;
  #ordinal: Float64Array;
  #length = 0;
  #capacity: number;
  #ordinary = 0;
  #vms = new Interned<string>();
  #rules = new Interned<string>();
  #payloads = new Interned<Uint8Array>();
  #seen = { ordinary: 0, notable: 0 };
  #stride = { ordinary: 1, notable: 1 };
  #beginNs: bigint | undefined;

  constructor(limit: number) {
    this.#limit = limit;
    this.#capacity = Math.min(limit, 1 << 14);
    this.#columns = emptyColumns(this.#capacity);
    this.#ordinal = new Float64Array(this.#capacity);
  }

  get length(): number {
    return this.#length;
  }
  get stride(): Kept {
    return { ...this.#stride };
  }
  /** What times are counted from until `finish`. */
  get originNs(): bigint {
    return this.#beginNs ?? 0n;
  }

  add(record: TransferRecord): void {
    this.#beginNs ??= record.timeNs;
    const flags = flagsOf(record);
    const kind = isNotable(outcomeOf(flags, record.ret)) ? 'notable' : 'ordinary';
    const ordinal = this.#seen[kind]++;
    if (ordinal % this.#stride[kind] !== 0) return;
    while (this.#length >= this.#limit || this.#bytes > MAX_BYTES) this.#thin();
    if (ordinal % this.#stride[kind] !== 0) return;
    if (this.#length === this.#capacity) this.#grow();
    const row = this.#length++;
    if (kind === 'ordinary') this.#ordinary++;
    const columns = this.#columns;
    this.#ordinal[row] = ordinal;
    columns.time[row] = Number(record.timeNs - this.#beginNs);
    columns.latency[row] = Math.max(0, Math.round(record.latencyNs)) || 0;
    columns.sequence[row] = record.sequence;
    columns.vm[row] = this.#vms.add(cutText(record.vm), record.vm.length);
    columns.rule[row] = this.#rules.add(cutText(record.rule), record.rule.length);
    columns.thread[row] = record.thread ?? 0;
    columns.mrq[row] = record.mrq;
    columns.tx[row] = this.#payload(record.tx);
    columns.rx[row] = this.#payload(record.rx);
    columns.ret[row] = record.ret;
    columns.flags[row] = flags;
  }

  /** The rows in the order of their times, which are counted from `beginNs` now. */
  finish(beginNs: bigint): { columns: Columns; tables: Tables } {
    const shift = Number(this.originNs - beginNs);
    const { time } = this.#columns;
    let order: Uint32Array | undefined;
    for (let row = 1; row < this.#length && !order; row++)
      if (time[row]! < time[row - 1]!) order = Uint32Array.from({ length: this.#length }, (_, at) => at);
    order?.sort((a, b) => time[a]! - time[b]! || a - b);
    const columns = emptyColumns(this.#length);
    for (const [name, values] of Object.entries(this.#columns)) {
      const into = columns[name as keyof typeof columns];
      for (let row = 0; row < this.#length; row++) into[row] = values[order ? order[row]! : row]!;
    }
    for (let row = 0; row < this.#length; row++) columns.time[row]! += shift;
    const tables = { vms: this.#vms.values, rules: this.#rules.values, payloads: this.#payloads.values };
    return { columns: { length: this.#length, ...columns }, tables };
  }

  get #bytes(): number {
    return this.#payloads.size + this.#rules.size + this.#vms.size;
  }

  #payload(bytes: Uint8Array): number {
    // A string of the bytes is the quickest key that there is for them.
    const key = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1');
    return this.#payloads.add(key, bytes.length, () => bytes.slice());
  }

  #thin(): void {
    const kind = this.#ordinary * 4 > this.#length ? 'ordinary' : 'notable';
    this.#stride[kind] *= 2;
    const old = this.#columns;
    const tables = {
      vm: this.#vms.values,
      rule: this.#rules.values,
      tx: this.#payloads.values,
    };
    const before = this.#length;
    this.#vms = new Interned();
    this.#rules = new Interned();
    this.#payloads = new Interned();
    this.#length = 0;
    this.#ordinary = 0;
    for (let row = 0; row < before; row++) {
      const notable = isNotable(outcomeOf(old.flags[row]!, old.ret[row]!));
      if (this.#ordinal[row]! % this.#stride[notable ? 'notable' : 'ordinary'] !== 0) continue;
      const to = this.#length++;
      if (!notable) this.#ordinary++;
      for (const values of Object.values(old)) values[to] = values[row]!;
      this.#ordinal[to] = this.#ordinal[row]!;
      const [vm, rule] = [tables.vm[old.vm[to]!]!, tables.rule[old.rule[to]!]!];
      old.vm[to] = this.#vms.add(vm, vm.length);
      old.rule[to] = this.#rules.add(rule, rule.length);
      old.tx[to] = this.#payload(tables.tx[old.tx[to]!]!);
      old.rx[to] = this.#payload(tables.tx[old.rx[to]!]!);
    }
  }

  #grow(): void {
    this.#capacity = Math.min(this.#limit, this.#capacity * 2);
    const larger = emptyColumns(this.#capacity);
    for (const [name, values] of Object.entries(this.#columns))
      larger[name as keyof typeof larger].set(values);
    this.#columns = larger;
    const ordinal = new Float64Array(this.#capacity);
    ordinal.set(this.#ordinal);
    this.#ordinal = ordinal;
  }
}

/** Values that stand once, each known by its number. */
class Interned<Of> {
  readonly #numbers = new Map<string, number>();
  readonly values: Of[] = [];
  size = 0;

  add(key: string, size: number, make: () => Of = () => key as Of): number {
    let number = this.#numbers.get(key);
    if (number === undefined) {
      number = this.values.length;
      this.#numbers.set(key, number);
      this.values.push(make());
      this.size += size;
    }
    return number;
  }
}

export function cutText(text: string): string {
  return text.length > MAX_TEXT ? `${text.slice(0, MAX_TEXT - 1)}…` : text;
}
