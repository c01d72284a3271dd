import { PassThrough } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { StderrTail } from '../../src/qemu/stderr-tail.js';

async function tailOf(...chunks: string[]): Promise<{ kept: readonly string[]; seen: string[] }> {
  const stream = new PassThrough();
  const seen: string[] = [];
  const tail = new StderrTail(stream, (line) => seen.push(line));
  for (const chunk of chunks) stream.write(chunk);
  stream.end();
  await tail.ended;
  return { kept: tail.lines, seen };
}

describe('StderrTail', () => {
  it('gives lines however they come, the last without an end too', async () => {
    expect(await tailOf('one\r\ntw', 'o\n\n  \nthree')).toEqual({
      kept: ['one', 'two', 'three'],
      seen: ['one', 'two', 'three'],
    });
  });

  it('keeps the last 20', async () => {
    const { kept, seen } = await tailOf(Array.from({ length: 50 }, (_, index) => `${index}\n`).join(''));
    expect(kept).toHaveLength(20);
    expect(kept[0]).toBe('30');
    expect(seen).toHaveLength(50);
  });

  it('cuts a line that does not end, and lets nothing through that a terminal would obey', async () => {
    const { kept } = await tailOf('x'.repeat(10_000), 'x'.repeat(10_000), '\n\u001b[31mred\u0007\u009b\n');
    expect(kept[0]).toHaveLength(2000);
    expect(kept[1]).toBe('?[31mred??');
  });
});
