import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ByteReader, ByteWriter } from '../../../src/report/data/bytes.js';
import {
  decodeSections,
  emptyColumns,
  emptyHolds,
  encodeSections,
} from '../../../src/report/data/columns.js';
import { bucketOf, bucketStart, quantileOf } from '../../../src/report/data/summary.js';

const u32 = fc.integer({ min: 0, max: 0xffff_ffff });
const row = fc.record({
  time: fc.integer({ min: 0, max: Number.MAX_SAFE_INTEGER }),
  latency: fc.integer({ min: 0, max: 2 ** 48 }),
  sequence: fc.maxSafeNat(),
  vm: fc.nat(3),
  rule: fc.nat(9),
  thread: u32,
  mrq: u32,
  tx: fc.nat(4),
  rx: fc.nat(4),
  ret: fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 }),
  flags: fc.nat(15),
});

describe('numbers in as few bytes as they need', () => {
  it('come back as they were, of either sign, up to the largest whole ones', () => {
    fc.assert(
      fc.property(fc.array(fc.maxSafeInteger()), (values) => {
        const writer = new ByteWriter();
        for (const value of values) writer.signed(value);
        const reader = new ByteReader(writer.bytes);
        expect(values.map(() => reader.signed())).toEqual(values);
        expect(reader.done).toBe(true);
      }),
    );
  });
});

describe('columns', () => {
  it('come back as they were written', () => {
    fc.assert(
      fc.property(
        fc.array(row, { maxLength: 40 }),
        fc.array(fc.uint8Array(), { maxLength: 6 }),
        (rows, payloads) => {
          const columns = { length: rows.length, ...emptyColumns(rows.length) };
          for (const [at, values] of rows.entries())
            for (const [name, value] of Object.entries(values))
              columns[name as keyof typeof values][at] = value;
          const holds = { length: 1, ...emptyHolds(1) };
          holds.to[0] = 5e15;
          const tables = { vms: ['a', '</script>'], rules: ['é', ''], payloads };
          const bytes = Buffer.concat([...encodeSections(columns, tables, holds)]);
          const back = decodeSections(bytes);
          expect(back.columns).toEqual(columns);
          expect(back.holds).toEqual(holds);
          expect(back.tables.vms).toEqual(tables.vms);
          expect(back.tables.rules).toEqual(tables.rules);
          expect(back.tables.payloads.map((payload) => [...payload])).toEqual(
            payloads.map((payload) => [...payload]),
          );
        },
      ),
    );
  });
});

describe('buckets of latencies', () => {
  it('hold what lies between their edges', () => {
    for (const ns of [17, 100, 4096, 12_345, 9e6, 3e9]) {
      expect(bucketStart(bucketOf(ns))).toBeLessThanOrEqual(ns * 1.000001);
      expect(bucketStart(bucketOf(ns) + 1)).toBeGreaterThan(ns);
    }
    expect(bucketOf(0)).toBe(0);
    expect(bucketOf(Number.NaN)).toBe(0);
    expect(bucketOf(1e300)).toBe(bucketOf(2e300));
  });

  it('tell quantiles to a bucket', () => {
    const buckets = Array.from({ length: 80 }, () => 0);
    for (let i = 0; i < 990; i++) buckets[bucketOf(10_000)]!++;
    for (let i = 0; i < 10; i++) buckets[bucketOf(1e6)]!++;
    expect(quantileOf(buckets, 0.5)).toBeGreaterThan(8_000);
    expect(quantileOf(buckets, 0.5)).toBeLessThan(12_000);
    expect(quantileOf(buckets, 0.995)).toBeGreaterThan(8e5);
    expect(quantileOf([], 0.5)).toBe(0);
  });
});
