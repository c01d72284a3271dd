import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parsePolicy } from '../../../src/bpmp/policy/index.js';
import { sharedRootClocks } from '../../../src/bpmp/tegra234/index.js';
import { classify, newShape, ShapeStatus } from '../../../src/bpmp/wire/index.js';
import { closure, policyText } from './arbitrary.js';
import { Oracle } from './oracle.js';
import { Random, randomRequest } from './request.js';

const POLICIES = 400;
const REQUESTS = 2_500;

describe('a compiled policy', () => {
  it(`decides ${POLICIES * REQUESTS} random requests as its rules read`, { timeout: 60_000 }, () => {
    const seen = { allow: 0, deny: 0, absorb: 0, malformed: 0 };
    const shape = newShape();
    fc.assert(
      fc.property(policyText, closure, fc.integer(), (text, parents, seed) => {
        const compiled = parsePolicy(text).compile({ sharedParents: { clocks: parents } });
        const oracle = new Oracle(text, parents);
        const random = new Random(seed);
        const favourites = [...compiled.grantedClocks, ...parents, ...sharedRootClocks];
        for (let i = 0; i < REQUESTS; i++) {
          const { mrq, tx } = randomRequest(random, favourites);
          classify(mrq, tx, shape);
          const { verdict, hidden, ret } = compiled.decide(shape, tx);
          const expected = oracle.decide(mrq, tx);
          // Texts and lists that give their own length are the wire's business.
          if (shape.status === ShapeStatus.TRUNCATED && expected.verdict !== 'malformed' && isCounted(mrq))
            continue;
          if (verdict !== expected.verdict || hidden !== expected.hidden) {
            const request = `${mrq} ${Buffer.from(tx).toString('hex')}`;
            expect({ request, verdict, hidden }).toEqual({ request, ...expected });
          }
          const answer = verdict === 'malformed' ? -22 : verdict === 'deny' ? -1 : 0;
          if (ret !== answer) expect(ret).toBe(answer);
          seen[verdict]++;
        }
      }),
      { numRuns: POLICIES },
    );
    for (const count of Object.values(seen)) expect(count).toBeGreaterThan(10_000);
  });
});

function isCounted(mrq: number): boolean {
  return mrq !== 20 && mrq !== 21 && mrq !== 22 && mrq !== 66;
}
