import { describe, expect, it } from 'vitest';
import type { TransferRecord } from '../../../src/bpmp/capture/index.js';
import { Mrq } from '../../../src/bpmp/wire/index.js';
import { Collector } from '../../../src/report/collect/collect.js';
import { isNotable, outcomeOf } from '../../../src/report/data/outcome.js';
import { request, workload } from '../transfers.js';

function collect(records: Iterable<TransferRecord>, limit = 10_000) {
  const collector = new Collector(limit);
  for (const record of records) collector.add(record);
  return collector.finish((_mrq, tx) => (tx.length > 2 ? 'clocks: {EMC: use}' : undefined));
}

const allowed = {
  vm: 'a',
  verdict: 'allow',
  rule: 'r',
  ret: 0,
  rx: new Uint8Array(),
  latencyNs: 1000,
} as const;
const at = (
  sequence: number,
  what: Pick<TransferRecord, 'mrq' | 'tx'>,
  more: Partial<TransferRecord> = {},
) => ({
  ...allowed,
  ...what,
  sequence,
  timeNs: 1_000_000n + BigInt(sequence) * 100n,
  ...more,
});
const clock = (command: string, name = 'GPUSYS') => request('CLK', command, { clock: name });

describe('what a page holds', () => {
  it('has every transfer, by its time, where there is room', () => {
    const records = [...workload(5000)];
    const { found, embedded } = collect([...records.slice(2500), ...records.slice(0, 2500)]);
    const { columns, tables } = embedded;
    expect(found.kept).toEqual({ rows: 5000, ordinary: 1, notable: 1 });
    expect(found.transfers).toBe(5000);
    for (const row of [0, 1, 777, 2500, 4999]) {
      const record = records[row]!;
      expect(columns.sequence[row]).toBe(record.sequence);
      expect(columns.time[row]).toBe(Number(record.timeNs - records[0]!.timeNs));
      expect([...tables.payloads[columns.tx[row]!]!]).toEqual([...record.tx]);
      expect([...tables.payloads[columns.rx[row]!]!]).toEqual([...record.rx]);
      expect(tables.rules[columns.rule[row]!]).toBe(record.rule);
    }
  });

  it('keeps all that was refused, and thins the rest evenly, beyond its limit', () => {
    const records = [...workload(60_000)];
    const { found, embedded } = collect(records, 4000);
    const { columns } = embedded;
    expect(columns.length).toBeLessThanOrEqual(4000);
    expect(columns.length).toBeGreaterThan(1500);
    const notable = (outcome: number) => isNotable(outcome);
    const inPage = Array.from({ length: columns.length }, (_, row) =>
      outcomeOf(columns.flags[row]!, columns.ret[row]!),
    );
    expect(found.kept.notable).toBe(1);
    expect(inPage.filter(notable)).toHaveLength(
      found.outcomes.reduce((sum, many, outcome) => sum + (notable(outcome) ? many : 0), 0),
    );
    expect(found.outcomes.reduce((sum, many) => sum + many, 0)).toBe(60_000);
    // Each kept one stands for so many: together they are all.
    const weight = inPage.reduce((sum, outcome) => sum + (notable(outcome) ? 1 : found.kept.ordinary), 0);
    expect(Math.abs(weight - 60_000)).toBeLessThan(2 * found.kept.ordinary);
  });

  it('is bounded where everything is refused, and where every payload is another', () => {
    function* hostile() {
      for (let n = 0; n < 30_000; n++) {
        const tx = new Uint8Array(500);
        new DataView(tx.buffer).setUint32(0, n, true);
        yield at(
          n,
          { mrq: n, tx },
          { verdict: 'deny', ret: -1, rule: `rule ${n} ${'x'.repeat(1000)}`, vm: `vm ${n}` },
        );
      }
    }
    const { found, embedded } = collect(hostile(), 3000);
    expect(embedded.columns.length).toBeLessThanOrEqual(3000);
    expect(found.kept.notable).toBeGreaterThan(8);
    expect(found.mrqs.length).toBeLessThanOrEqual(101);
    expect(found.vms.length).toBeLessThanOrEqual(201);
    expect(found.denials).toHaveLength(200);
    expect(found.otherDenials).toBe(30_000 - 200);
    expect(Math.max(...embedded.tables.rules.map((rule) => rule.length))).toBeLessThanOrEqual(300);
  });

  it('tells what is missing from the sequence, and takes a VM that began anew for no loss', () => {
    const ping = { mrq: Mrq.PING, tx: new Uint8Array(4) };
    const { found } = collect([at(7, ping), at(8, ping), at(12, ping), at(0, ping, { timeNs: 1_009_000n })]);
    expect(found.lost).toEqual({ transfers: 3, gaps: [{ vm: 'a', atNs: 500, transfers: 3 }] });
  });

  it('counts refusals that are alike together, with what would allow them', () => {
    const deny = { verdict: 'deny', ret: -1, rule: 'not granted' } as const;
    const { found } = collect([
      at(0, clock('ENABLE', 'EMC'), deny),
      at(1, clock('ENABLE', 'EMC'), deny),
      at(2, { mrq: Mrq.CLK, tx: Uint8Array.of(1) }, { verdict: 'malformed', ret: -22, rule: 'malformed' }),
      at(3, clock('GET_RATE', 'EMC'), { ...deny, hidden: true }),
    ]);
    expect(found.denials).toMatchObject([
      { text: 'CLK ENABLE EMC (31)', count: 2, firstNs: 0, lastNs: 100, fix: 'clocks: {EMC: use}' },
      { count: 1, rule: 'malformed' },
    ]);
    expect(found.denials[1]).not.toHaveProperty('fix');
  });
});

describe('when a resource was on', () => {
  const spans = (records: TransferRecord[]) => {
    const { from, to, open, length } = collect(records).embedded.holds;
    return Array.from({ length }, (_, row) => [from[row], to[row], open[row] === 1]);
  };

  it('is from an enable to the next disable that were carried out', () => {
    expect(
      spans([
        at(0, clock('ENABLE')),
        at(1, clock('ENABLE')),
        at(2, clock('DISABLE'), { verdict: 'absorb' }),
        at(3, clock('DISABLE'), { ret: -5 }),
        at(4, clock('DISABLE')),
        at(5, clock('DISABLE')),
      ]),
    ).toEqual([[0, 400, false]]);
  });

  it('goes on to the end where nothing switched it off, and ends where the VM began anew', () => {
    expect(spans([at(0, clock('ENABLE')), at(9, clock('GET_RATE'))])).toEqual([[0, 900, true]]);
    expect(
      spans([
        at(8, clock('ENABLE')),
        at(0, clock('ENABLE'), { timeNs: 1_002_000n }),
        at(5, clock('GET_RATE'), { timeNs: 1_003_000n }),
      ]),
    ).toEqual([
      [0, 0, false],
      [1200, 2200, true],
    ]);
  });

  it('is known of resets and power domains too', () => {
    expect(
      spans([
        at(0, request('RESET', 'DEASSERT', { reset: 'GPU' })),
        at(1, request('PG', 'SET_STATE', { powerDomain: 'GPU', state: 1 })),
        at(2, request('PG', 'SET_STATE', { powerDomain: 'GPU', state: 0 })),
        at(3, request('RESET', 'ASSERT', { reset: 'GPU' })),
      ]),
    ).toEqual([
      [0, 300, false],
      [100, 200, false],
    ]);
  });

  it('is joined where there are too many stretches to keep', () => {
    function* flicker() {
      for (let n = 0; n < 200_000; n++) yield at(n, clock(n % 2 === 0 ? 'ENABLE' : 'DISABLE'));
    }
    const { holds } = collect(flicker()).embedded;
    expect(holds.length).toBeLessThan(60_000);
    expect(holds.from[0]).toBe(0);
    expect(Math.max(...holds.to)).toBeGreaterThan(199_000 * 99);
  });
});
