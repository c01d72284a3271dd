import { describe, expect, it } from 'vitest';
import { RECENT_SIZE, RecentDecisions } from '../../../src/bpmp/mediator/index.js';
import { tegra234 } from '../../../src/bpmp/tegra234/index.js';
import { parseRequestWords } from '../../../src/bpmp/wire/index.js';

const { mrq, tx } = parseRequestWords(['clk', 'enable', 'GPUSYS'], tegra234);

describe('RecentDecisions', () => {
  it('keeps the last twenty, oldest first, for whoever has the memory', () => {
    const memory = new ArrayBuffer(RECENT_SIZE + 64);
    const recent = new RecentDecisions(memory, 64, 0);
    expect(recent.read()).toEqual([]);
    for (let i = 0; i < 45; i++) recent.add(mrq, tx, 0, 'clocks: {GPUSYS: use}', -i, 1000 + i, 5000);
    const read = new RecentDecisions(memory, 64).read(tegra234);
    expect(read.map(({ ret }) => -ret)).toEqual(Array.from({ length: 20 }, (_, i) => 25 + i));
    expect(read[0]).toEqual({
      time: '1970-01-01T00:00:01.025Z',
      request: 'CLK ENABLE GPUSYS (304)',
      mrq: 22,
      verdict: 'allow',
      rule: 'clocks: {GPUSYS: use}',
      ret: -25,
      latencyNs: 5000,
    });
  });

  it('goes on in the memory of a writer that died, and keeps a text once', () => {
    const memory = new ArrayBuffer(RECENT_SIZE);
    for (let writer = 0; writer < 500; writer++) {
      const recent = new RecentDecisions(memory);
      recent.add(mrq, tx, 1, 'default: deny', -1, writer, 1);
      recent.add(mrq, tx, 1, 'another', -1, writer, 1);
    }
    expect(new Set(new RecentDecisions(memory).read().map(({ rule }) => rule))).toEqual(
      new Set(['default: deny', 'another']),
    );
  });

  it('is bounded whatever reasons a guest makes up, and reads back whatever lies there', () => {
    const memory = new ArrayBuffer(RECENT_SIZE);
    const recent = new RecentDecisions(memory);
    for (let i = 0; i < 3000; i++)
      recent.add(0, new Uint8Array(512), 3, `malformed, ${i} ${'x'.repeat(300)}`, -22, i, 1);
    expect(recent.read().at(-1)).toMatchObject({ verdict: 'malformed', rule: '(not kept)' });
    new Uint8Array(memory).fill(0xff);
    expect(new RecentDecisions(memory).read()).toHaveLength(20);
  });
});
