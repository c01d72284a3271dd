import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { RestartPlan } from '../../src/vm/restart.js';

const rules = { policy: 'on-failure', delay: 100, maxDelay: 1_000, limit: 5, window: 60_000 } as const;
const failure = { isFailure: true, isReset: false, durationMs: 10 };

describe('RestartPlan', () => {
  it('doubles the delay up to the longest, and gives up at the limit', () => {
    const plan = new RestartPlan(rules, () => 0);
    const verdicts = Array.from({ length: 6 }, () => plan.after(failure));
    expect(verdicts.slice(0, 5).map((verdict) => verdict.restart && verdict.delayMs)).toEqual([
      100, 200, 400, 800, 1_000,
    ]);
    expect(verdicts[5]).toEqual({
      restart: false,
      reason: 'it was restarted 5 times within 60 s, which is the limit: it is left as it is',
    });
  });

  it('forgets restarts that the window has left behind, and begins anew after a good run', () => {
    let now = 0;
    const plan = new RestartPlan({ ...rules, limit: 1 }, () => now);
    expect(plan.after(failure)).toMatchObject({ restart: true, delayMs: 100 });
    now = 59_999;
    expect(plan.after(failure)).toMatchObject({ restart: false });
    now = 60_001;
    expect(plan.after(failure)).toMatchObject({ restart: true, delayMs: 200 });
    now = 200_000;
    expect(plan.after({ ...failure, durationMs: 60_000 })).toMatchObject({ restart: true, delayMs: 100 });
  });

  it.each([
    ['never', true, false],
    ['never', false, false],
    ['on-failure', true, true],
    ['on-failure', false, false],
    ['always', true, true],
    ['always', false, true],
  ] as const)('policy %s, failure %s: %s', (policy, isFailure, restart) => {
    expect(new RestartPlan({ ...rules, policy }).after({ ...failure, isFailure }).restart).toBe(restart);
  });

  it('starts a guest that was reset at once and without a limit, unless it does nothing else', () => {
    const plan = new RestartPlan({ ...rules, policy: 'never', limit: 1 });
    for (let run = 0; run < 10; run++) {
      const reset = { isFailure: false, isReset: true, durationMs: 5_000 };
      expect(plan.after(reset)).toMatchObject({ restart: true, delayMs: 0 });
    }
    expect(plan.after({ isFailure: false, isReset: true, durationMs: 5 })).toMatchObject({ delayMs: 100 });
  });

  it('never starts more often than the limit within any window, whatever happens when', () => {
    const run = fc.record({ pauseMs: fc.nat(40_000), durationMs: fc.nat(80_000) });
    fc.assert(
      fc.property(fc.array(run, { maxLength: 60 }), fc.integer({ min: 1, max: 6 }), (runs, limit) => {
        let now = 0;
        const plan = new RestartPlan({ ...rules, limit }, () => now);
        const starts: number[] = [];
        for (const { pauseMs, durationMs } of runs) {
          now += pauseMs;
          const verdict = plan.after({ ...failure, durationMs });
          if (!verdict.restart) continue;
          expect(verdict.delayMs).toBeLessThanOrEqual(rules.maxDelay);
          starts.push(now);
        }
        for (const start of starts) {
          const within = starts.filter((at) => at >= start && at < start + rules.window);
          expect(within.length).toBeLessThanOrEqual(limit);
        }
      }),
    );
  });
});
