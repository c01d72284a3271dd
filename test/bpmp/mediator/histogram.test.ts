import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Histogram, latencyBoundsNs } from '../../../src/bpmp/mediator/histogram.js';

describe('Histogram', () => {
  it('is empty at first', () => {
    expect(new Histogram().summary()).toEqual({ count: 0, meanNs: 0, p50Ns: 0, p99Ns: 0, maxNs: 0 });
  });

  it('gives a quantile within 7 % of the exact one', () => {
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: 1, max: 2 ** 38 }), { minLength: 1, maxLength: 200 }),
        fc.double({ min: 0.01, max: 1, noNaN: true }),
        (values, q) => {
          const histogram = new Histogram();
          for (const value of values) histogram.record(value);
          const exact = [...values].sort((a, b) => a - b)[Math.ceil(q * values.length) - 1];
          expect(Math.abs(histogram.quantile(q) - exact)).toBeLessThanOrEqual(Math.max(1, exact * 0.07));
        },
      ),
    );
  });

  it('takes any number without losing count', () => {
    const histogram = new Histogram();
    for (const odd of [0, -5, Number.NaN, 0.3, Number.MAX_VALUE, Number.POSITIVE_INFINITY])
      histogram.record(odd);
    expect(histogram.count).toBe(6);
  });

  it('counts what is below each of the coarse bounds, exactly', () => {
    fc.assert(
      fc.property(fc.array(fc.double({ min: 0, max: 2 ** 36, noNaN: true })), (values) => {
        const histogram = new Histogram();
        for (const value of values) histogram.record(value);
        const counts = latencyBoundsNs.map((bound) => values.filter((ns) => ns < bound).length);
        expect(histogram.countsBelow(latencyBoundsNs)).toEqual(counts);
        expect(histogram.sumNs).toBe(values.reduce((sum, ns) => sum + ns, 0));
      }),
    );
  });

  it('tells its buckets without a gap, and each value in the one that holds it', () => {
    expect(new Histogram().spans()).toEqual([]);
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: 0, max: 2 ** 38 }), { minLength: 1, maxLength: 50 }),
        (values) => {
          const histogram = new Histogram();
          for (const value of values) histogram.record(value);
          const spans = histogram.spans();
          for (const [i, span] of spans.entries()) {
            if (i > 0) expect(span.fromNs).toBe(spans[i - 1].toNs);
            expect(span.count).toBe(values.filter((ns) => ns >= span.fromNs && ns < span.toNs).length);
          }
          expect(spans[0].count * spans.at(-1)!.count).toBeGreaterThan(0);
        },
      ),
    );
  });
});
