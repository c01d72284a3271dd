import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { formatRate, parseRate } from '../../../src/bpmp/policy/rate.js';

describe('a rate', () => {
  it.each([
    [1_300_000_000, 1_300_000_000],
    ['1.3 GHz', 1_300_000_000],
    ['1.3GHz', 1_300_000_000],
    ['408 mhz', 408_000_000],
    ['32.768 kHz', 32_768],
    ['1 Hz', 1],
  ])('%j is %d Hz', (written, hz) => {
    expect(parseRate(written)).toBe(hz);
  });

  it.each([
    0,
    -1,
    1.5,
    Number.NaN,
    '',
    'GHz',
    '1e9 Hz',
    '1.3',
    '1.3 GB',
    '0.1 Hz',
    '0 GHz',
    '-1 Hz',
    '99999999 GHz',
    true,
    null,
  ])('%j is refused with a reason', (written) => {
    expect(parseRate(written)).toMatch(/rate|unit|range|whole/);
  });

  it('reads back as it is written', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER }), (hz) => {
        expect(parseRate(formatRate(hz))).toBe(hz);
      }),
    );
  });
});
