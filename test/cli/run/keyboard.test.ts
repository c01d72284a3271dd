import { PassThrough } from 'node:stream';
import { describe, expect, it, vi } from 'vitest';
import { attachKeyboard, KeyFilter } from '../../../src/cli/run/keyboard.js';

describe('KeyFilter', () => {
  it.each([
    ['abc', 'abc', 0],
    ['a\u0003b', 'ab', 1],
    ['a\u0001xb', 'ab', 1],
    ['\u0001\u0003', '\u0003', 0],
    ['\u0001\u0001x', '\u0001x', 0],
    ['\u0003\u0003', '', 2],
  ])('%j passes %j', (keys, passed, stops) => {
    const stop = vi.fn();
    expect(Buffer.from(new KeyFilter(stop).pass(Buffer.from(keys))).toString()).toBe(passed);
    expect(stop).toHaveBeenCalledTimes(stops);
  });

  it('knows a Ctrl-A that comes alone', () => {
    const stop = vi.fn();
    const filter = new KeyFilter(stop);
    filter.pass(Uint8Array.of(1));
    filter.pass(Uint8Array.of(0x78));
    expect(stop).toHaveBeenCalled();
  });
});

describe('attachKeyboard', () => {
  it('makes a terminal raw and gives it back; one of another job it leaves alone', () => {
    const modes: boolean[] = [];
    const stdin = Object.assign(new PassThrough(), {
      isTTY: true,
      setRawMode: (raw: boolean) => modes.push(raw),
    });
    const release = attachKeyboard(stdin, new PassThrough(), () => undefined, true);
    release();
    expect(modes).toEqual([true, false]);
    attachKeyboard(stdin, new PassThrough(), () => undefined, false)();
    expect(modes).toEqual([true, false]);
  });

  it('passes a pipe on as it is, to its end', async () => {
    const stdin = new PassThrough();
    const guest = new PassThrough();
    const stop = vi.fn();
    attachKeyboard(stdin, guest, stop);
    stdin.end('a\u0003b');
    const chunks: Buffer[] = [];
    for await (const chunk of guest) chunks.push(chunk as Buffer);
    expect(Buffer.concat(chunks).toString()).toBe('a\u0003b');
    expect(stop).not.toHaveBeenCalled();
  });
});
