import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { mergeFix, parsePolicy } from '../../../src/bpmp/policy/index.js';
import { sharedRootClocks } from '../../../src/bpmp/tegra234/index.js';
import { Mrq } from '../../../src/bpmp/wire/index.js';
import { closure, policyText } from './arbitrary.js';
import { bytes, clk, i2c, words } from './bytes.js';
import { Random, randomRequest } from './request.js';

const fixOf = (text: string, mrq: number, tx: Uint8Array) => parsePolicy(text).compile().explain(mrq, tx).fix;

describe('a fix', () => {
  it('turns the very request into an allowed or absorbed one', { timeout: 60_000 }, () => {
    let fixed = 0;
    fc.assert(
      fc.property(policyText, closure, fc.integer(), (text, parents, seed) => {
        const sharedParents = { clocks: parents };
        const compiled = parsePolicy(text).compile({ sharedParents });
        const random = new Random(seed);
        const favourites = [...compiled.grantedClocks, ...parents, ...sharedRootClocks];
        for (let i = 0; i < 20; i++) {
          const { mrq, tx } = randomRequest(random, favourites);
          const { decision, fix } = compiled.explain(mrq, tx);
          expect(fix === undefined || decision.verdict === 'deny').toBe(true);
          if (fix === undefined) continue;
          const merged = mergeFix(text, fix);
          const after = parsePolicy(merged).compile({ sharedParents }).explain(mrq, tx);
          const context = { text, fix, merged, steps: after.steps };
          expect({ ...context, verdict: after.decision.verdict }).toEqual({
            ...context,
            verdict: expect.stringMatching(/allow|absorb/),
          });
          fixed++;
        }
      }),
      { numRuns: 60 },
    );
    expect(fixed).toBeGreaterThan(300);
  });

  it('is missing only where nothing can allow the request', () => {
    fc.assert(
      fc.property(policyText, fc.integer(), (text, seed) => {
        const compiled = parsePolicy(text).compile();
        const random = new Random(seed);
        for (let i = 0; i < 50; i++) {
          const { mrq, tx } = randomRequest(random, compiled.grantedClocks);
          const { decision, fix, steps } = compiled.explain(mrq, tx);
          if (decision.verdict !== 'deny') continue;
          if (fix === undefined) expect(steps.join('\n')).toMatch(/no line can allow it/);
          else expect(steps.at(-1)).toBe(`to allow it, set ${fix}`);
        }
      }),
    );
  });

  it.each([
    ['version: 1', Mrq.CLK, clk(7, 41), 'clocks: {GPC0CLK: use}'],
    ['version: 1', Mrq.CLK, clk(1, 41), 'clocks: {GPC0CLK: read}'],
    ['version: 1', Mrq.CLK, clk(2, 41, 0, 5, 0), 'clocks: {GPC0CLK: tune}'],
    ['version: 1', Mrq.CLK, clk(5, 41, 102), 'clocks: {PLLP_OUT0: read, GPC0CLK: tune}'],
    ['version: 1', Mrq.CLK, clk(8, 102), 'clocks: {PLLP_OUT0: shared}'],
    [
      '{version: 1, shared: deny}',
      Mrq.CLK,
      clk(8, 102),
      'clocks: {PLLP_OUT0: {right: shared, onShared: absorb}}',
    ],
    [
      'version: 1\nclocks: {GPC0CLK: {right: tune, maxRate: 1 GHz}}',
      Mrq.CLK,
      clk(2, 41, 0, 1_300_500_000, 0),
      'clocks: {GPC0CLK: {right: tune, maxRate: 1.3005 GHz}}',
    ],
    [
      'version: 1\nclocks: {GPC0CLK: {right: tune, maxRate: 1 GHz}}',
      Mrq.CLK,
      clk(2, 41, 0, 0, 0x7fff_ffff),
      'clocks: {GPC0CLK: tune}',
    ],
    [
      'version: 1\nclocks: {GPC0CLK: {commands: [ENABLE]}}',
      Mrq.CLK,
      clk(8, 41),
      'clocks: {GPC0CLK: {commands: [ENABLE, DISABLE]}}',
    ],
    ['version: 1', Mrq.RESET, words(2, 19), 'resets: {GPU: use}'],
    ['version: 1', Mrq.PG, words(1, 35, 1), 'powerDomains: {GPU: use}'],
    ['version: 1', Mrq.DEBUG, bytes('01000000 2f00'), 'mrqs: {DEBUG: [OPEN_WO]}'],
    [
      'version: 1\nmrqs: {DEBUG: read}',
      Mrq.DEBUG,
      bytes('01000000 2f00'),
      'mrqs: {DEBUG: [OPEN_RO, OPEN_WO, READ, CLOSE]}',
    ],
    ['version: 1', Mrq.EMC_DVFS_LATENCY, words(0, 0), 'mrqs: {EMC_DVFS_LATENCY: allow}'],
    ['version: 1\nmrqs: {PING: none}', Mrq.PING, words(1), 'mrqs: {PING: allow}'],
    ['version: 1\nmrqs: {PG: none}', Mrq.PG, words(4, 0), 'mrqs: {PG: [GET_MAX_ID]}'],
    ['version: 1\ni2c: {5: [0x3c]}', Mrq.I2C, i2c(5, [0x50, 1]), 'i2c: {5: [0x3c, 0x50]}'],
  ])('of %j', (text, mrq, tx, fix) => {
    expect(fixOf(text, mrq, tx)).toBe(fix);
  });

  it.each([
    ['QUERY_TAG', Mrq.QUERY_TAG, words(0x8000_0000)],
    ['DEBUGFS', Mrq.DEBUGFS, words(1, 0, 0, 0, 0)],
    ['an unknown MRQ', 200, words(0)],
    ['an unknown command', Mrq.CLK, clk(99, 41)],
    ['an unknown clock', Mrq.CLK, clk(7, 304 + 0x1000)],
    ['a negative rate', Mrq.CLK, clk(2, 41, 0, 0, 0x8000_0000)],
    ['an unknown parent', Mrq.CLK, clk(5, 41, 0x1000)],
    ['an unknown power state', Mrq.PG, words(1, 35, 2)],
  ])('is not offered for %s', (_, mrq, tx) => {
    const { decision, fix, steps } = parsePolicy('version: 1').compile().explain(mrq, tx);
    expect(decision.verdict).toBe('deny');
    expect(fix).toBeUndefined();
    expect(steps.at(-1)).toMatch(/^no line can allow it/);
  });
});

describe('mergeFix', () => {
  it('keeps comments and what the fix does not speak of', () => {
    const text =
      '# ours\nversion: 1\nclocks:\n  # the GPU\n  GPUSYS: use # on\n  41: read # slow\nlimit: none\n';
    expect(mergeFix(text, 'clocks: {GPC0CLK: tune}')).toBe(
      '# ours\nversion: 1\nclocks:\n  # the GPU\n  GPUSYS: use # on\n  41: tune\nlimit: none\n',
    );
  });

  it('splits a range around the one that it changes', () => {
    const merged = mergeFix(
      'version: 1\nclocks:\n  # three\n  HOST1X..I2C2: use # all\n',
      'clocks: {I2C1: tune}',
    );
    expect(merged).toBe(
      'version: 1\nclocks:\n  # three\n  HOST1X..XUSB_HS_HSICP: use # all\n  I2C2: use\n  I2C1: tune\n',
    );
  });

  it('makes a section that is missing or empty', () => {
    expect(mergeFix('version: 1\nresets:\n', 'resets: {GPU: use}')).toBe('version: 1\nresets:\n  GPU: use\n');
    expect(mergeFix('version: 1', 'mrqs: {PING: none}')).toBe('version: 1\nmrqs:\n  PING: none\n');
  });

  it('leaves the namesakes of an anchor alone', () => {
    const merged = mergeFix(
      'version: 1\nclocks:\n  GPUSYS: &gpu use\n  GPC0CLK: *gpu\n',
      'clocks: {GPUSYS: tune}',
    );
    expect(merged).toBe('version: 1\nclocks:\n  GPUSYS: tune\n  GPC0CLK: use\n');
  });

  it.each(['', 'clocks', 'clocks: use', 'clocks: {NOPE: use}', 'colour: {A: b}', '[', 'i2c: {[1]: 2}'])(
    'refuses %j, which is no fix',
    (fix) => {
      expect(() => mergeFix('version: 1', fix)).toThrow(/is no fix/);
    },
  );
});
