import { ByteReader, ByteWriter } from './bytes.js';

/** Transfers as columns, in the order of their times. Texts and payloads stand once, in tables. */
export interface Columns {
  readonly length: number;
  /** In ns after the report's beginning. */
  readonly time: Float64Array;
  /** In ns. */
  readonly latency: Float64Array;
  readonly sequence: Float64Array;
  readonly vm: Uint32Array;
  readonly rule: Uint32Array;
  /** 0 where it is not known. */
  readonly thread: Uint32Array;
  readonly mrq: Uint32Array;
  readonly tx: Uint32Array;
  readonly rx: Uint32Array;
  readonly ret: Int32Array;
  readonly flags: Uint8Array;
}

export interface Tables {
  readonly vms: readonly string[];
  readonly rules: readonly string[];
  readonly payloads: readonly Uint8Array[];
}

/** Times in which a resource was on for one VM. */
export interface Holds {
  readonly length: number;
  readonly mrq: Uint32Array;
  readonly id: Uint32Array;
  readonly vm: Uint32Array;
  readonly from: Float64Array;
  readonly to: Float64Array;
  /** 1 where it was on still at the end. */
  readonly open: Uint8Array;
}

type Kind = 'delta' | 'unsigned' | 'signed' | 'byte';

/** How each column is written: in deltas where neighbours resemble each other. */
const columnKinds = {
  time: 'delta',
  latency: 'unsigned',
  sequence: 'delta',
  vm: 'unsigned',
  rule: 'unsigned',
  thread: 'delta',
  mrq: 'unsigned',
  tx: 'delta',
  rx: 'delta',
  ret: 'signed',
  flags: 'byte',
} as const satisfies Record<Exclude<keyof Columns, 'length'>, Kind>;

const holdKinds = {
  mrq: 'unsigned',
  id: 'unsigned',
  vm: 'unsigned',
  from: 'delta',
  to: 'delta',
  open: 'byte',
} as const satisfies Record<Exclude<keyof Holds, 'length'>, Kind>;

type Numbers = { [index: number]: number };

function encode(values: Numbers, length: number, kind: Kind): Uint8Array {
  const writer = new ByteWriter();
  let before = 0;
  for (let row = 0; row < length; row++) {
    const value = values[row]!;
    if (kind === 'delta') writer.signed(value - before);
    else if (kind === 'signed') writer.signed(value);
    else writer.unsigned(value);
    before = value;
  }
  return writer.bytes;
}

function decode<Into extends Numbers>(bytes: Uint8Array, into: Into, length: number, kind: Kind): Into {
  const reader = new ByteReader(bytes);
  let before = 0;
  for (let row = 0; row < length; row++) {
    const value =
      kind === 'delta' ? before + reader.signed() : kind === 'signed' ? reader.signed() : reader.unsigned();
    into[row] = value;
    before = value;
  }
  return into;
}

/** What a page embeds, in sections: the numbers of rows, the columns, the tables. One after another, to be streamed. */
export function* encodeSections(columns: Columns, tables: Tables, holds: Holds): Generator<Uint8Array> {
  yield section(lengths(columns.length, holds.length, tables.payloads.length));
  yield section(new TextEncoder().encode(JSON.stringify({ vms: tables.vms, rules: tables.rules })));
  for (const [name, kind] of Object.entries(columnKinds))
    yield section(encode(columns[name as keyof typeof columnKinds], columns.length, kind));
  for (const [name, kind] of Object.entries(holdKinds))
    yield section(encode(holds[name as keyof typeof holdKinds], holds.length, kind));
  const sizes = new ByteWriter();
  for (const payload of tables.payloads) sizes.unsigned(payload.length);
  yield section(sizes.bytes);
  const all = new ByteWriter();
  for (const payload of tables.payloads) all.raw(payload);
  yield section(all.bytes);
}

export interface Embedded {
  readonly columns: Columns;
  readonly tables: Tables;
  readonly holds: Holds;
}

export function decodeSections(bytes: Uint8Array): Embedded {
  const file = new ByteReader(bytes);
  const next = () => file.raw(file.unsigned());
  const counts = new ByteReader(next());
  const [rows, holdRows, payloadCount] = [counts.unsigned(), counts.unsigned(), counts.unsigned()] as const;
  const texts = JSON.parse(new TextDecoder().decode(next())) as Pick<Tables, 'vms' | 'rules'>;
  const columns = { length: rows, ...emptyColumns(rows) };
  for (const [name, kind] of Object.entries(columnKinds))
    decode(next(), columns[name as keyof typeof columnKinds], rows, kind);
  const holds = { length: holdRows, ...emptyHolds(holdRows) };
  for (const [name, kind] of Object.entries(holdKinds))
    decode(next(), holds[name as keyof typeof holdKinds], holdRows, kind);
  const sizes = new ByteReader(next());
  const all = new ByteReader(next());
  const payloads = Array.from({ length: payloadCount }, () => all.raw(sizes.unsigned()));
  return { columns, holds, tables: { ...texts, payloads } };
}

export function emptyColumns(rows: number) {
  return {
    time: new Float64Array(rows),
    latency: new Float64Array(rows),
    sequence: new Float64Array(rows),
    vm: new Uint32Array(rows),
    rule: new Uint32Array(rows),
    thread: new Uint32Array(rows),
    mrq: new Uint32Array(rows),
    tx: new Uint32Array(rows),
    rx: new Uint32Array(rows),
    ret: new Int32Array(rows),
    flags: new Uint8Array(rows),
  } satisfies Omit<Columns, 'length'>;
}

export function emptyHolds(rows: number) {
  return {
    mrq: new Uint32Array(rows),
    id: new Uint32Array(rows),
    vm: new Uint32Array(rows),
    from: new Float64Array(rows),
    to: new Float64Array(rows),
    open: new Uint8Array(rows),
  } satisfies Omit<Holds, 'length'>;
}

function section(bytes: Uint8Array): Uint8Array {
  const writer = new ByteWriter();
  writer.unsigned(bytes.length);
  writer.raw(bytes);
  return writer.bytes;
}

function lengths(...values: number[]): Uint8Array {
  const writer = new ByteWriter();
  for (const value of values) writer.unsigned(value);
  return writer.bytes;
}
