import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { TransferRecord } from '../../../../src/bpmp/capture/index.js';
import { tegra234 } from '../../../../src/bpmp/tegra234/index.js';
import { encodeRequest } from '../../../../src/bpmp/wire/index.js';
import { Bounded } from '../../../../src/cli/bpmp/top/model/bounded.js';
import { ordered } from '../../../../src/cli/bpmp/top/model/order.js';
import { Rolling } from '../../../../src/cli/bpmp/top/model/rolling.js';
import { open, summarize } from '../../../../src/cli/bpmp/top/model/summary.js';
import { RECENT, Traffic } from '../../../../src/cli/bpmp/top/model/traffic.js';
import { START_NS, sample } from './sample.js';

const START_MS = Number(START_NS / 1_000_000n);

function record(fields: Partial<TransferRecord> = {}): TransferRecord {
  const { tx } = encodeRequest({ mrq: 'CLK', command: 'GET_RATE', fields: { clock: 'GPUSYS' } }, tegra234);
  return {
    sequence: 0,
    vm: 'orin',
    timeNs: START_NS,
    mrq: 22,
    tx,
    verdict: 'allow',
    rule: 'gpu.yaml:3 clocks.GPUSYS',
    ret: 0,
    rx: new Uint8Array(8),
    latencyNs: 1000,
    ...fields,
  };
}

describe('Rolling', () => {
  it('is the true rate of what comes evenly, over each span and at each moment', () => {
    const rolling = new Rolling();
    for (let ms = 0; ms < 90_000; ms += 50) {
      rolling.add(START_MS + ms);
      if (ms < 61_000) continue;
      for (const spanS of [1, 10, 60])
        expect(Math.abs(rolling.rate(START_MS + ms, spanS) - 20)).toBeLessThanOrEqual(1 / spanS + 1e-3);
    }
    expect(rolling.peak).toBe(20);
    expect(rolling.history(START_MS + 90_000)).toEqual(new Array(60).fill(20));
  });

  it('falls to nothing when nothing comes', () => {
    const rolling = new Rolling();
    for (let i = 0; i < 100; i++) rolling.add(START_MS);
    expect(rolling.rate(START_MS, 1)).toBe(100);
    expect(rolling.rate(START_MS + 2000, 1)).toBe(0);
    expect(rolling.rate(START_MS + 9000, 10)).toBe(10);
    expect(rolling.rate(START_MS + 61_000, 60)).toBe(0);
  });

  it('never counts more than there was, whatever the times', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(200_000), { maxLength: 100 }), fc.nat(300_000), (times, now) => {
        const rolling = new Rolling();
        for (const time of times) rolling.add(START_MS + time);
        for (const spanS of [1, 10, 60]) {
          const count = rolling.rate(START_MS + now, spanS) * spanS;
          expect(count).toBeGreaterThanOrEqual(0);
          expect(count).toBeLessThanOrEqual(times.length);
        }
      }),
    );
  });
});

it('Bounded drops what is worth least, and counts it', () => {
  const table = new Bounded<{ count: number }>(
    8,
    ({ count }) => count,
    ({ count }) => count,
  );
  for (let i = 0; i < 8; i++) table.add(i, { count: 10 - i });
  table.add(8, { count: 1 });
  expect(table.size).toBe(7);
  expect([table.get(7), table.get(6)]).toEqual([undefined, undefined]);
  expect(table.get(0)).toEqual({ count: 10 });
  expect(table.evicted).toEqual({ rows: 2, count: 7 });
});

describe('Traffic', () => {
  it('counts by command, resource and refusal', () => {
    const traffic = new Traffic();
    for (const one of sample({ count: 3000 })) traffic.add(one);
    const { all, commands, resources, refusals } = summarize(traffic, traffic.lastMs!);
    expect(all.count).toBe(3000);
    const sum = (rows: readonly { count: number }[]) => rows.reduce((total, { count }) => total + count, 0);
    expect(sum(commands)).toBe(3000);
    expect(ordered(resources, 'count', true)[0]!.title).toBe('clk GPC0CLK');
    expect(sum(refusals)).toBe(all.verdicts.deny + all.verdicts.malformed);
    expect(refusals.map(({ title }) => title)).toContain('CLK ENABLE EMC');
    expect(all.rate60).toBeGreaterThan(15);
    expect(all.rate60).toBeLessThan(25);
  });

  it('stays small under a guest that makes up MRQs, commands and ids, and keeps what the chip knows', () => {
    const traffic = new Traffic();
    traffic.add(record());
    for (let i = 0; i < 60_000; i++) {
      const tx = new Uint8Array(16);
      new DataView(tx.buffer).setUint32(0, 0x0100_0000 + (i % 50_000) + 2000, true);
      const isClock = i % 2 === 0;
      traffic.add(
        record({
          mrq: isClock ? 22 : 1000 + i,
          tx,
          verdict: 'deny',
          rule: `reason ${i}`,
          timeNs: START_NS + BigInt(i) * 1_000_000n,
          thread: i,
          vm: `vm${i}`,
        }),
      );
    }
    expect(traffic.commands.size).toBeLessThanOrEqual(256);
    expect(traffic.resources.size).toBeLessThanOrEqual(1024);
    expect(traffic.refusals.size).toBeLessThanOrEqual(512);
    expect(traffic.recent()).toHaveLength(RECENT);
    const { resources, evicted, vms } = summarize(traffic, START_MS + 60_000);
    expect(resources.map(({ title }) => title)).toContain('clk GPUSYS');
    expect(resources.reduce((sum, { count }) => sum + count, evicted.resources.count)).toBe(30_001);
    expect(vms.length).toBeLessThanOrEqual(8);
  });

  it('tells what the view hides apart from refusals', () => {
    const traffic = new Traffic();
    traffic.add(record({ verdict: 'deny', hidden: true, ret: -1 }));
    const { hidden, refusals } = summarize(traffic, START_MS);
    expect([hidden, refusals.length]).toEqual([1, 0]);
  });

  it('opens a resource with who asked, the rules, the last of each command, its transfers', () => {
    const traffic = new Traffic();
    for (const one of sample({ count: 500 })) traffic.add(one);
    const row = summarize(traffic, traffic.lastMs!).resources.find(({ title }) => title === 'clk GPC0CLK')!;
    const opened = open(traffic, 'resources', row.key, traffic.lastMs!)!;
    expect(opened.transfers).toHaveLength(row.count);
    expect(opened.transfers[0]!.timeNs > opened.transfers.at(-1)!.timeNs).toBe(true);
    expect(opened.askers.map(([who]) => who).sort()).toEqual(['orin, thread 4000', 'orin, thread 4001']);
    expect(opened.rules[0]![0]).toBe('policies/gpu.yaml:6 clocks.GPC0CLK');
    expect(opened.lastByCommand).toHaveLength(2);
    expect(open(traffic, 'resources', 'clock 1', 0)).toBeUndefined();
  });
});

it('sorts by each figure, and equal ones by name', () => {
  const traffic = new Traffic();
  for (const one of sample({ count: 800 })) traffic.add(one);
  const { commands } = summarize(traffic, traffic.lastMs!);
  for (const sort of ['rate', 'count', 'denied', 'latency', 'name'] as const) {
    const rows = ordered(commands, sort, true);
    expect(rows).toHaveLength(commands.length);
    const figures = rows.map((row) =>
      sort === 'count'
        ? row.count
        : sort === 'latency'
          ? row.p99Ns
          : sort === 'denied'
            ? row.verdicts.deny + row.verdicts.malformed
            : 0,
    );
    expect(figures).toEqual([...figures].sort((a, b) => b - a));
  }
  expect(ordered(commands, 'name', true).map(({ title }) => title)).toEqual(
    commands.map(({ title }) => title).sort(),
  );
});
