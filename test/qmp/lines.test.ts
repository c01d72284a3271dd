import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { LineReader } from '../../src/qmp/lines.js';

/** What each chunk completes. */
function pushed(reader: LineReader, ...chunks: Uint8Array[]): string[] {
  const lines: string[] = [];
  for (const chunk of chunks) reader.push(chunk, (line) => lines.push(line));
  return lines;
}

const bytes = (text: string) => new TextEncoder().encode(text);

describe('LineReader', () => {
  it('gives the same lines however the stream is cut', () => {
    fc.assert(
      fc.property(fc.array(fc.string({ unit: 'grapheme' })), fc.array(fc.nat(200)), (texts, cuts) => {
        const lines = texts.map((text) => text.replace(/[\r\n]/g, ' ').trim()).filter((text) => text !== '');
        const stream = bytes(lines.map((line) => `${line}\r\n`).join(''));
        const reader = new LineReader();
        const read: string[] = [];
        let at = 0;
        for (const cut of [...cuts, stream.length]) {
          // A socket reads into the same buffer again and again.
          const chunk = stream.slice(at, at + cut);
          read.push(...pushed(reader, chunk));
          chunk.fill(0x0a);
          at += cut;
        }
        read.push(...pushed(reader, stream.subarray(at)));
        expect(read).toEqual(lines);
      }),
    );
  });

  it('takes a line at its limit and refuses one above, ended or not', () => {
    expect(pushed(new LineReader(4), bytes('abcd\n'))).toEqual(['abcd']);
    expect(() => pushed(new LineReader(4), bytes('abcde\n'))).toThrow('above 4 bytes');
    const reader = new LineReader(4);
    expect(pushed(reader, bytes('abc'))).toEqual([]);
    expect(() => pushed(reader, bytes('de'))).toThrow('above 4 bytes');
  });

  it('refuses what is not UTF-8', () => {
    expect(() => pushed(new LineReader(), Uint8Array.of(0xff, 0xfe, 10))).toThrow('not UTF-8');
  });

  it('joins a line of many chunks in time that grows with its length', () => {
    const reader = new LineReader();
    const chunk = bytes('x'.repeat(1024));
    for (let i = 0; i < 16 * 1024; i++) expect(pushed(reader, chunk)).toEqual([]);
    expect(pushed(reader, bytes('\n'))[0]).toHaveLength(16 * 1024 * 1024);
  });
});
