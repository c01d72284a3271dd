import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { printable, printableJson } from '../../src/cli/printable.js';

const UNSAFE = /[\p{Cc}\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]/u;

describe("somebody else's text", () => {
  it('is one line that a terminal shows and does not obey', () => {
    expect(printable('GPU µ "x"')).toBe('GPU µ "x"');
    expect(printable('\u001b[2J\n\t\\\u009b\u202e')).toBe('\\x1b[2J\\n\\t\\\\\\x9b\\u202e');
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => !UNSAFE.test(printable(text))),
      { numRuns: 500 },
    );
  });

  it('is the same document of JSON', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        const json = printableJson(JSON.stringify({ text }));
        expect(JSON.parse(json).text).toBe(text);
        expect(json).not.toMatch(UNSAFE);
      }),
      { numRuns: 500 },
    );
  });
});
