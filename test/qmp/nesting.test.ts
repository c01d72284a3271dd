import fc from 'fast-check';
import { expect, it } from 'vitest';
import { MAX_NESTING, nestsTooDeep } from '../../src/qmp/nesting.js';

function depthOf(value: unknown): number {
  if (typeof value !== 'object' || value === null) return 0;
  return 1 + Math.max(0, ...Object.values(value).map(depthOf));
}

it('counts what is open, and not what stands in strings', () => {
  const nested = (depth: number) => `${'[{"a":'.repeat(depth / 2)}"}]\\"["${'}]'.repeat(depth / 2)}`;
  expect(nestsTooDeep(nested(MAX_NESTING))).toBe(false);
  expect(nestsTooDeep(nested(MAX_NESTING + 2))).toBe(true);
  expect(nestsTooDeep(`"${'[\\"'.repeat(5000)}"`)).toBe(false);
  expect(nestsTooDeep('[]'.repeat(5000))).toBe(false);
  expect(nestsTooDeep(`"\\\\"${'['.repeat(2000)}`)).toBe(true);
});

it('agrees with a parser on any JSON', () => {
  const padding = ' '.repeat(MAX_NESTING);
  fc.assert(
    fc.property(
      fc.json({ maxDepth: 6 }),
      fc.integer({ min: MAX_NESTING - 6, max: MAX_NESTING }),
      (json, above) => {
        const text = padding + '['.repeat(above) + json + ']'.repeat(above);
        expect(nestsTooDeep(text)).toBe(above + depthOf(JSON.parse(json)) > MAX_NESTING);
      },
    ),
    { numRuns: 300 },
  );
});

it('looks through 64 MB in a moment', () => {
  const text = `[${'{"a":"b\\"c"},'.repeat(4_000_000)}0]`;
  const start = performance.now();
  expect(nestsTooDeep(text)).toBe(false);
  expect(performance.now() - start).toBeLessThan(2_000);
});
