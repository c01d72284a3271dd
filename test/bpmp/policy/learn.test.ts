import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { mergeFix, parsePolicy } from '../../../src/bpmp/policy/index.js';
import { Mrq } from '../../../src/bpmp/wire/index.js';
import { policyText } from './arbitrary.js';
import { bytes, clk, i2c, words } from './bytes.js';
import { Random, randomRequest } from './request.js';

describe('the learner', () => {
  it('writes what was denied, with counts, into the present policy', () => {
    const text = '# ours\nversion: 1\nmode: learn # for now\nview: full\nclocks:\n  GPUSYS: read # the GPU\n';
    const learner = parsePolicy(text).learner();
    const requests: [number, Uint8Array][] = [
      [Mrq.CLK, clk(1, 304)],
      [Mrq.CLK, clk(7, 304)],
      [Mrq.CLK, clk(7, 304)],
      [Mrq.CLK, clk(8, 304)],
      [Mrq.CLK, clk(2, 41, 0, 408_000_000, 0)],
      [Mrq.CLK, clk(2, 41, 0, 1_300_000_000, 0)],
      [Mrq.CLK, clk(2, 41, 0, 1_000_000_000, 0)],
      [Mrq.CLK, clk(5, 236, 428)],
      [Mrq.CLK, clk(8, 102)],
      [Mrq.CLK, clk(7, 304 + 0x1000)],
      [Mrq.CLK, clk(7, 304 + 0x2000)],
      [Mrq.RESET, words(2, 19)],
      [Mrq.PG, words(1, 35, 0)],
      [Mrq.THERMAL, words(1, 0)],
      [Mrq.THERMAL, words(3)],
      [Mrq.I2C, i2c(5, [0x3c, 1])],
      [Mrq.DEBUG, bytes('01000000 2f00')],
      [Mrq.QUERY_TAG, words(1)],
      [Mrq.CLK, bytes('00')],
    ];
    for (const [mrq, tx] of requests) learner.add(mrq, tx);
    const learned = learner.text();
    expect(learned).toBe(`# ours
version: 1
mode: enforce # for now
view: full
clocks:
  GPUSYS: use # learned: 2× ENABLE, 1× DISABLE
  GPC0CLK: {right: tune, maxRate: 1.3 GHz} # learned: 3× SET_RATE
  PLLP_OUT0: shared # learned: 1× DISABLE
  GPC1CLK: tune # learned: 1× SET_PARENT
  NAFLL_GPUSYS: read # learned: a new parent
resets:
  GPU: use # learned: 1× DEASSERT
powerDomains:
  GPU: use # learned: 1× SET_STATE
mrqs:
  THERMAL: [GET_TEMP, GET_NUM_ZONES] # learned: 1× THERMAL GET_TEMP, 1× THERMAL GET_NUM_ZONES
  DEBUG: [OPEN_WO] # learned: 1× DEBUG OPEN_WO
i2c:
  5: [0x3c] # learned: 1× I2C XFER

# Denied, and no line can allow it:
# 1× QUERY_TAG: its requests hold addresses at which the firmware reads or writes memory
# 2× CLK ENABLE: tegra234 has no clock 4400
`);
    const compiled = parsePolicy(learned).compile();
    const refused = requests.map(([mrq, tx]) => compiled.explain(mrq, tx).decision.verdict);
    expect(refused.filter((verdict) => verdict === 'deny')).toHaveLength(3);
  });

  it('passes over what the filtered view hides and what already passes', () => {
    const learner = parsePolicy('version: 1\nclocks: {GPUSYS: use}').learner();
    for (let id = 0; id < 476; id++) learner.add(Mrq.CLK, clk(14, id));
    learner.add(Mrq.CLK, clk(7, 304));
    expect(learner.size).toBe(0);
    expect(learner.text()).toBe('version: 1\nclocks: {GPUSYS: use}\n');
  });

  it('learns enough, whatever is asked of whichever policy', { timeout: 60_000 }, () => {
    fc.assert(
      fc.property(policyText, fc.integer(), (text, seed) => {
        const policy = parsePolicy(text);
        const before = policy.compile();
        const learner = policy.learner();
        const random = new Random(seed);
        const denied: { mrq: number; tx: Uint8Array }[] = [];
        for (let i = 0; i < 60; i++) {
          const { mrq, tx } = randomRequest(random, before.grantedClocks);
          const { decision, fix } = before.explain(mrq, tx);
          learner.add(mrq, tx);
          if (decision.verdict === 'deny' && !decision.hidden && fix) denied.push({ mrq, tx: tx.slice() });
        }
        const learned = learner.text();
        const after = parsePolicy(learned).compile();
        for (const { mrq, tx } of denied) {
          const { decision, steps } = after.explain(mrq, tx);
          expect({ learned, steps, ret: decision.ret }).toEqual({ learned, steps, ret: 0 });
        }
      }),
      { numRuns: 40 },
    );
  });

  it('holds a bounded number of different requests', () => {
    const learner = parsePolicy('version: 1\nclocks: {0-476: tune}').learner();
    for (let parent = 0; parent < 12_000; parent++)
      learner.add(Mrq.I2C, i2c(parent & 15, [(parent >> 4) & 0x7f, 1], [parent >> 11, 1]));
    expect(learner.size).toBe(10_000);
    expect(learner.text().slice(-80)).toMatch(/# \d+ requests came after 10000 others: learn again\n$/);
  });
});

it('a fix and a learned line agree', () => {
  const text = 'version: 1\nclocks:\n  GPUSYS: read\n';
  const policy = parsePolicy(text);
  const learner = policy.learner();
  learner.add(Mrq.CLK, clk(7, 304));
  const fixed = mergeFix(text, policy.compile().explain(Mrq.CLK, clk(7, 304)).fix!);
  expect(learner.text().replace(/ #.*/g, '')).toBe(fixed);
});
