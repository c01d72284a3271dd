import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { TokenBucket } from '../../../src/bpmp/mediator/limit.js';

describe('TokenBucket', () => {
  it('lets a burst through and then one for each token earned', () => {
    const bucket = new TokenBucket(1000, 3, 0);
    expect([1, 2, 3, 4].map(() => bucket.tryTake(0))).toEqual([true, true, true, false]);
    expect(bucket.tryTake(0.5)).toBe(false);
    expect(bucket.tryTake(1)).toBe(true);
  });

  it('lends a token for the time that it takes to earn it', () => {
    const bucket = new TokenBucket(100, 1, 0);
    expect(bucket.borrow(0, 1000)).toBe(0);
    expect(bucket.borrow(0, 1000)).toBe(10);
    expect(bucket.borrow(0, 1000)).toBe(20);
    expect(bucket.borrow(0, 25)).toBeUndefined();
    expect(bucket.borrow(30, 25)).toBe(0);
  });

  it('lets waits end together', () => {
    const bucket = new TokenBucket(10_000, 1000, 0);
    for (let i = 0; i < 1000; i++) bucket.tryTake(0);
    const ends = Array.from({ length: 40 }, (_, i) => i * 0.05 + bucket.borrow(i * 0.05, 1000)!);
    expect(new Set(ends.map((end) => end.toFixed(6)))).toEqual(new Set(['5.000000']));
  });

  it('earns nothing from a clock that steps back', () => {
    const bucket = new TokenBucket(1000, 1, 100);
    expect(bucket.tryTake(100)).toBe(true);
    expect(bucket.tryTake(0)).toBe(false);
    expect(bucket.tryTake(100.5)).toBe(false);
  });

  it('grants no more than rate × time + burst, however the requests come', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 5000 }),
        fc.integer({ min: 1, max: 100 }),
        fc.array(fc.double({ min: 0, max: 20, noNaN: true }), { minLength: 1, maxLength: 300 }),
        (perSecond, burst, gaps) => {
          const bucket = new TokenBucket(perSecond, burst, 0);
          let now = 0;
          let taken = 0;
          for (const gap of gaps) {
            now += gap;
            if (bucket.tryTake(now)) taken++;
          }
          expect(taken).toBeLessThanOrEqual((now * perSecond) / 1000 + burst + 1e-6);
        },
      ),
    );
  });
});
