import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  CaptureWriter,
  decodeTransfer,
  encodeTransfer,
  type Notice,
  readCapture,
  type TransferRecord,
} from '../../../src/bpmp/capture/index.js';
import { anyTransfer } from './arbitrary.js';

async function* pieces(bytes: Uint8Array, size: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

async function readAll(source: string | AsyncIterable<Uint8Array>) {
  const records: TransferRecord[] = [];
  const notices: Notice[] = [];
  for await (const batch of readCapture(source, { onNotice: (notice) => notices.push(notice) }))
    records.push(...batch);
  return { records, notices };
}

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
          const writer = new CaptureWriter();
          const parts = [writer.header(), ...records.map((record) => writer.add(record)), writer.end()];
          const read = await readAll(pieces(Buffer.concat(parts), size));
          expect(read).toEqual({ records, notices: [] });
        },
      ),
    );
  });
});
