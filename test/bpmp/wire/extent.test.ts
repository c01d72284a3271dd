import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { tegra234 } from '../../../src/bpmp/tegra234/index.js';
import { extentOf, Mrq, parseRequestWords } from '../../../src/bpmp/wire/index.js';

function extent(words: string) {
  const { mrq, tx } = parseRequestWords(words.split(' '), tegra234);
  return extentOf(mrq, tx);
}

describe('the extent of a message in its frame', () => {
  it('is the size of the struct where that is fixed', () => {
    const frame = new Uint8Array(120).fill(0xee);
    expect(extent('clk get-rate GPUSYS')?.reply(frame)).toBe(8);
    expect(extent('clk enable GPUSYS')?.reply(frame)).toBe(0);
    expect(extent('ping 1')?.request).toBe(4);
  });

  it('follows the count of a list, as far as the frame goes', () => {
    const frame = new Uint8Array(120).fill(0xee);
    const { reply } = extent('debug read 1')!;
    frame.set([5, 0, 0, 0]);
    expect(reply(frame)).toBe(9);
    frame.set([0xff, 0xff, 0xff, 0xff]);
    expect(reply(frame)).toBe(120);
    expect(reply(frame.subarray(0, 2))).toBe(2);
  });

  it('is unknown for what the header does not know', () => {
    expect(extentOf(0x1234, new Uint8Array(120))).toBeUndefined();
    expect(extentOf(Mrq.CLK, Uint8Array.of(1))).toBeUndefined();
  });

  it('is the reply of every request of two Linux boots', () => {
    for (const name of ['boot-window', 'boot-ivc']) {
      const lines = readFileSync(new URL(`../../data/traces/${name}.ndjson`, import.meta.url), 'utf8');
      for (const line of lines.trimEnd().split('\n')) {
        const { mrq, tx, rx, ret } = JSON.parse(line);
        const reply = Buffer.from(rx, 'hex');
        // The traces' own model gives 120 bytes where a name's struct has 40.
        if (ret === 0) expect(extentOf(mrq, Buffer.from(tx, 'hex'))?.reply(reply), line).toBe(reply.length);
      }
    }
  });
});
