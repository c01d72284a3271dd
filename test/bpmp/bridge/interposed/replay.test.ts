import { describe, expect, it } from 'vitest';
import { ReplayCache } from '../../../../src/bpmp/bridge/interposed/replay.js';
import { newSlot, type SlotContents } from './slot.js';

/** What a restart shows once the answer was written back: rx.size and rx.ret of the answer. */
const ANSWERED = { rxSize: 4n, rxRet: 0 };

const others: [string, SlotContents][] = [
  ['another message', { buffer: 0x7001n }],
  ['another MRQ', { mrq: 20 }],
  ['another tx', { txData: 0x8001n }],
  ['another rx', { rxData: 0x9001n }],
  ['another payload', { tx: [1, 2, 3, 5] }],
  ['a longer payload', { tx: [1, 2, 3, 4, 0] }],
];

describe('ReplayCache', () => {
  it('owes a lost answer to the same request of the same thread, once', () => {
    const cache = new ReplayCache();
    cache.keep(100, newSlot(), 0, true);
    expect(cache.take(101, newSlot({ thread: 101 }), 1)).toBeUndefined();
    expect(cache.take(100, newSlot(), 1)).toEqual(newSlot());
    expect(cache.take(100, newSlot(), 2)).toBeUndefined();
  });

  it('knows the request again after the answer was written into its message', () => {
    const cache = new ReplayCache();
    cache.keep(100, newSlot(), 0, true);
    expect(cache.take(100, newSlot(ANSWERED), 1)).toEqual(newSlot());
  });

  it.each(others)('owes nothing to %s, nor to what comes after it', (_what, contents) => {
    const cache = new ReplayCache();
    cache.keep(100, newSlot(), 0, true);
    expect(cache.take(100, newSlot(contents), 1)).toBeUndefined();
    expect(cache.take(100, newSlot(), 2)).toBeUndefined();
  });

  it('forgets after two seconds', () => {
    const cache = new ReplayCache();
    cache.keep(100, newSlot(), 0, true);
    expect(cache.take(100, newSlot(), 2000)).toBeUndefined();
  });

  it('owes an answer that the kernel took only to a message that still bears it', () => {
    const cache = new ReplayCache();
    cache.keep(100, newSlot(), 0, false);
    expect(cache.take(100, newSlot(ANSWERED), 1)).toEqual(newSlot());
    cache.keep(100, newSlot(), 0, false);
    expect(cache.take(100, newSlot(), 1)).toBeUndefined();
  });

  it('takes the same request for a new one where the answer left no trace', () => {
    const cache = new ReplayCache();
    cache.keep(100, newSlot(ANSWERED), 0, false);
    expect(cache.take(100, newSlot(ANSWERED), 1)).toBeUndefined();
  });

  it('keeps copies', () => {
    const cache = new ReplayCache();
    const slot = newSlot();
    cache.keep(100, slot, 0, true);
    slot.fill(0);
    expect(cache.take(100, newSlot(), 1)).toEqual(newSlot());
  });

  it('keeps the newest of many threads, and no more than 128', () => {
    const cache = new ReplayCache();
    for (let thread = 0; thread < 1000; thread++) cache.keep(thread, newSlot({ thread }), 0, true);
    expect(cache.size).toBe(128);
    expect(cache.take(999, newSlot({ thread: 999 }), 1)).toBeDefined();
    expect(cache.take(0, newSlot({ thread: 0 }), 1)).toBeUndefined();
  });
});
