import { describe, expect, it } from 'vitest';
import { RING_SIZE, RingTransfer, TransferRing } from '../../../src/bpmp/capture/index.js';
import { recentDecisions } from '../../../src/bpmp/mediator/index.js';
import { tegra234 } from '../../../src/bpmp/tegra234/index.js';
import { parseRequestWords } from '../../../src/bpmp/wire/index.js';

const { mrq, tx } = parseRequestWords(['clk', 'enable', 'GPUSYS'], tegra234);

describe('recentDecisions', () => {
  it('tells the last twenty, oldest first, for whoever has the memory', () => {
    const memory = new ArrayBuffer(RING_SIZE + 64);
    const ring = new TransferRing(memory, 64);
    expect(recentDecisions(memory, 64)).toEqual([]);
    const transfer = new RingTransfer('test');
    Object.assign(transfer, { mrq, tx, rule: 'clocks: {GPUSYS: use}', latencyNs: 5000 });
    for (let i = 0; i < 45; i++) {
      transfer.ret = -i;
      transfer.atMs = performance.now();
      ring.add(transfer);
    }
    const read = recentDecisions(memory, 64, tegra234);
    expect(read.map(({ ret }) => -ret)).toEqual(Array.from({ length: 20 }, (_, i) => 25 + i));
    expect(Math.abs(Date.parse(read[0]!.time) - Date.now())).toBeLessThan(5000);
    expect(read[0]).toEqual({
      time: expect.any(String),
      request: 'CLK ENABLE GPUSYS (304)',
      mrq: 22,
      verdict: 'allow',
      rule: 'clocks: {GPUSYS: use}',
      ret: -25,
      latencyNs: 5000,
    });
  });

  it('reads whatever lies there', () => {
    const memory = new ArrayBuffer(RING_SIZE);
    new Uint8Array(memory).fill(0xff);
    expect(recentDecisions(memory)).toEqual([]);
  });
});
