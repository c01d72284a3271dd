import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeTransfer, encodeTransfer } from '../../../src/bpmp/capture/index.js';
import { anyTransfer } from './arbitrary.js';
import { captureOf, pieces, readAll } from './read-all.js';

describe('a transfer', () => {
  it('is the same after encoding and decoding', () => {
    fc.assert(
      fc.property(anyTransfer, (record) => {
        expect(decodeTransfer(encodeTransfer(record), record.timeNs)).toEqual(record);
      }),
    );
  });
});

describe('a capture', () => {
  it('gives what was put into it, in pieces of any size', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(anyTransfer, { maxLength: 20 }),
        fc.integer({ min: 1, max: 5000 }),
        async (records, size) => {
          const read = await readAll(pieces(captureOf(records), size));
          expect(read).toEqual({ records, notices: [] });
        },
      ),
    );
  });
});
