import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { compileFilter, type Expression, parseFilter, printFilter } from '../../../src/bpmp/filter/index.js';
import { GpuvmError } from '../../../src/errors.js';
import { anyTransfer } from '../capture/arbitrary.js';
import { anyExpression } from './arbitrary.js';
import { expressions } from './expressions.js';
import { naively } from './naive.js';

/** Without the places, which differ from text to text. */
function bare(expression: Expression | undefined): unknown {
  return JSON.parse(
    JSON.stringify(expression, (key, value) => (['at', 'length', 'place'].includes(key) ? undefined : value)),
  );
}

/** CLK's, GET_ALL_INFO's among them: they have what any transfer seldom has, one value, several or none. */
const clockTransfer = fc
  .tuple(
    anyTransfer,
    fc.constantFrom(1, 2, 3, 5, 7, 8, 14),
    fc.nat(40),
    fc.uint8Array({ minLength: 116, maxLength: 116, max: 3 }),
  )
  .map(([record, command, id, rx]) => {
    rx[72] = rx[0]!;
    return {
      ...record,
      mrq: 22,
      tx: Uint8Array.of(id, 0, 0, command, 0, 0, 0, 0, id, rx[1]!, 0, 0),
      ret: 0,
      rx,
    };
  });
const transfers = fc.array(fc.oneof(anyTransfer, clockTransfer), { minLength: 4, maxLength: 8 });

/** A text is a filter, or a mistake of its writer's; nothing else. */
function isTakenOrRefused(text: string): boolean {
  try {
    compileFilter(text);
  } catch (error) {
    if (!GpuvmError.is(error, 'GPUVM_FILTER')) throw error;
    const [line, caret] = error.details.shown as [string, string];
    expect(line + caret).not.toMatch(/\p{Cc}/u);
    expect(error.message).not.toContain('\n');
  }
  return true;
}

const pieces = [
  ...[
    'bpmp.ret',
    'bpmp.clk.name',
    'bpmp.tx',
    'bpmp.x',
    '==',
    '!=',
    '<',
    'in',
    '{',
    '}',
    '(',
    ')',
    '!',
    '&&',
    'or',
    'not',
    ',',
  ],
  ...[
    '..',
    '"',
    '\\',
    'r"',
    '1',
    '-1',
    '0x',
    '1.3GHz',
    'aa:bb',
    'contains',
    'matches',
    '"("',
    '"[a"',
    'any',
    'all',
    '~',
    '=',
    '[',
    ' ',
  ],
];

describe('filters', () => {
  it('are read as they are printed', () => {
    fc.assert(
      fc.property(anyExpression, (expression) => {
        const text = printFilter(expression);
        expect(bare(parseFilter(text)), text).toEqual(bare(expression));
      }),
      { numRuns: 2000 },
    );
    for (const text of expressions) {
      const expression = parseFilter(text)!;
      expect(bare(parseFilter(printFilter(expression))), text).toEqual(bare(expression));
    }
  });

  it('say of any transfer what a naive reading says', () => {
    let [yes, no] = [0, 0];
    fc.assert(
      fc.property(anyExpression, transfers, (expression, records) => {
        const text = printFilter(expression);
        const filter = compileFilter(text);
        for (const record of records) {
          const expected = naively(expression, record);
          if (expected) yes++;
          else no++;
          expect(filter(record), text).toBe(expected);
        }
      }),
      { numRuns: 2000 },
    );
    // Of a test that always says the same nothing could be learnt.
    expect(Math.min(yes, no)).toBeGreaterThan(1000);
  });

  it('are nothing but filters or mistakes, whatever the text', () => {
    fc.assert(fc.property(fc.string({ unit: 'binary', maxLength: 60 }), isTakenOrRefused), { numRuns: 3000 });
    const mixed = fc.array(fc.constantFrom(...pieces), { maxLength: 14 }).map((parts) => parts.join(' '));
    fc.assert(fc.property(mixed, isTakenOrRefused), { numRuns: 5000 });
    const close = fc.array(fc.constantFrom(...pieces), { maxLength: 14 }).map((parts) => parts.join(''));
    fc.assert(fc.property(close, isTakenOrRefused), { numRuns: 3000 });
  });
});
