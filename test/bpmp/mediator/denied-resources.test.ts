import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { SimulatedBpmp } from '../../../src/bpmp/backend/index.js';
import { Mediator } from '../../../src/bpmp/mediator/index.js';
import { parsePolicy } from '../../../src/bpmp/policy/index.js';
import { tegra234 } from '../../../src/bpmp/tegra234/index.js';
import { Mrq, mrqs, parseRequestWords } from '../../../src/bpmp/wire/index.js';

function setUp(lines = 'view: full\nlimit: none') {
  const policy = parsePolicy(`version: 1\n${lines}\n`, { file: 'test.yaml' }).compile();
  const mediator = new Mediator({ vm: 'test', policy, backend: new SimulatedBpmp() });
  const ask = (words: string) => {
    const { mrq, tx } = parseRequestWords(words.split(' '), tegra234);
    return mediator.handle(mrq, tx, new Uint8Array(128));
  };
  return { mediator, ask, denials: () => mediator.snapshot().denials };
}

describe('denials by resource', () => {
  it('count what was asked for, most often denied first', async () => {
    const { mediator, ask, denials } = setUp();
    for (const words of ['clk enable NVDEC', 'clk disable NVDEC', 'reset assert GPU', 'pg set-state GPU on'])
      await ask(words);
    await ask('thermal get-temp 3');
    expect(denials()).toEqual([
      { kind: 'clock', resource: 'NVDEC', id: tegra234.clocks.idOf('NVDEC'), count: 2 },
      { kind: 'reset', resource: 'GPU', id: tegra234.resets.idOf('GPU'), count: 1 },
      { kind: 'power-domain', resource: 'GPU', id: tegra234.powerDomains.idOf('GPU'), count: 1 },
      { kind: 'mrq', resource: 'THERMAL', id: Mrq.THERMAL, count: 1 },
    ]);
    expect(mediator.snapshot().totals.deny).toBe(5);
  });

  it('leave out what the view hides, and what the rate limit refused', async () => {
    const { mediator, ask, denials } = setUp('limit: {perSecond: 1, burst: 2, exceeded: deny}');
    await ask('clk get-rate NVDEC');
    await ask('reset assert GPU');
    await ask('reset assert GPU');
    const { hidden, refused, totals, limit } = mediator.snapshot();
    const counted = denials().reduce((sum, { count }) => sum + count, 0);
    expect(refused).toBe(1);
    expect(counted + hidden + refused).toBe(totals.deny);
    expect(limit).toMatchObject({ perSecond: 1, burst: 2, exceeded: 'deny' });
    expect(limit?.balance).toBeLessThan(1);
  });

  it('are bounded by what chip and ABI name, whatever a guest makes up', () => {
    const most = 1 + 1000 + 300 + 64 + 16 + mrqs.size + 4;
    expect(tegra234.clocks.ids.length).toBeLessThan(1000);
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.oneof(fc.nat(130), fc.nat()), fc.uint8Array({ maxLength: 32 })), {
          maxLength: 500,
        }),
        (requests) => {
          const { mediator, denials } = setUp();
          for (const [mrq, tx] of requests) void mediator.handle(mrq, tx, new Uint8Array(128));
          const { totals, hidden } = mediator.snapshot();
          expect(denials().reduce((sum, { count }) => sum + count, 0) + hidden).toBe(totals.deny);
          expect(denials().length).toBeLessThan(most);
          for (const { kind, resource, id } of denials()) {
            if (resource === 'other') expect(id).toBeUndefined();
            if (kind === 'clock' && id !== undefined) expect(tegra234.clocks.nameOf(id)).toBe(resource);
          }
        },
      ),
      { numRuns: 30 },
    );
    const { mediator, denials } = setUp();
    for (let id = 0; id < 100_000; id += 7) {
      const tx = new Uint8Array(16);
      new DataView(tx.buffer).setUint32(0, ((7 << 24) | (id & 0xff_ffff)) >>> 0, true);
      void mediator.handle(Mrq.CLK, tx, new Uint8Array(16));
      void mediator.handle(1000 + id, tx, new Uint8Array(16));
    }
    expect(denials().length).toBeLessThan(most);
    expect(denials().filter(({ resource }) => resource === 'other').length).toBe(2);
  });

  it('go along to a successor', async () => {
    const { mediator, ask, denials } = setUp();
    await ask('clk enable NVDEC');
    const policy = parsePolicy('version: 1\nview: full\nlimit: none\n', { file: 'test.yaml' }).compile();
    const saved = JSON.parse(JSON.stringify(mediator.save()));
    const next = new Mediator({ vm: 'test', policy, backend: new SimulatedBpmp(), saved });
    expect(next.snapshot().denials).toEqual(denials());
    expect(next.latencies()).toEqual(mediator.latencies());
    // What an older gpuvm passed on has none.
    const { denied: _, ...older } = saved.statistics;
    const old = new Mediator({
      vm: 'test',
      policy,
      backend: new SimulatedBpmp(),
      saved: { ...saved, statistics: older },
    });
    expect(old.snapshot().denials).toEqual([]);
  });
});
