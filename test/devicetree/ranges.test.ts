import { describe, expect, it } from 'vitest';
import { covers, overlaps } from '../../src/devicetree/index.js';

const range = (first: number, end: number) => ({ address: BigInt(first), size: BigInt(end - first) });

describe('ranges of addresses', () => {
  it('overlap where they share a byte, and not where one begins at the other one’s end', () => {
    expect(overlaps(range(0, 16), range(15, 20))).toBe(true);
    expect(overlaps(range(4, 8), range(0, 16))).toBe(true);
    expect(overlaps(range(0, 16), range(16, 20))).toBe(false);
  });

  it('cover another together, in any order, if they leave no gap', () => {
    expect(covers([range(8, 16), range(0, 8)], range(2, 15))).toBe(true);
    expect(covers([range(9, 16), range(0, 8)], range(2, 15))).toBe(false);
    expect(covers([], range(0, 1))).toBe(false);
  });
});
