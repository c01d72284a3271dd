import { closeSync } from 'node:fs';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  KEPT_WORDS,
  Kept,
  KeptExchange,
  REPLIES_SIZE,
} from '../../../../../src/bpmp/bridge/vfio-user/transport/kept-exchange.js';
import { addon } from '../../../../../src/native/index.js';

const HEADER = 16;
const PAGE = 0x1000;

describe('a connection that outlives its process', () => {
  let fds: number[] = [];

  beforeEach(() => {
    fds = [];
  });
  afterEach(() => {
    for (const fd of fds) closeSync(fd);
  });

  function exchange() {
    const [here, peer] = addon().socketPair();
    const repliesFd = addon().createMemory('replies', REPLIES_SIZE);
    fds.push(here, peer, repliesFd);
    const words = new Int32Array(KEPT_WORDS);
    return { kept: new KeptExchange(here, repliesFd, words, false), words, peer };
  }

  it('sends replies that lie within one page each, or begin with one', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: HEADER, max: 3 * PAGE }), { minLength: 200 }), (sizes) => {
        const { kept, words, peer } = exchange();
        const taken = new Uint8Array(3 * PAGE);
        for (const [number, size] of sizes.entries()) {
          kept.send(new Uint8Array(size).fill(number & 0xff), size, -1, true);
          const [start, end] = [words[Kept.REPLY_START]!, words[Kept.REPLY_END]!];
          expect(end - start).toBe(size);
          expect(end).toBeLessThanOrEqual(REPLIES_SIZE);
          if (size > PAGE) expect(start % PAGE).toBe(0);
          else expect(Math.floor(start / PAGE)).toBe(Math.floor((end - 1) / PAGE));
          let got = 0;
          while (got < size) got += addon().unixReceive(peer, taken, got, size - got, new Int32Array(0));
          expect(taken.subarray(0, size).every((byte) => byte === (number & 0xff))).toBe(true);
        }
        for (const fd of fds.splice(0)) closeSync(fd);
      }),
      { numRuns: 20 },
    );
  });
});
