import { describe, expect, it } from 'vitest';
import { pause, unlessAborted, within } from '../../src/vm/waiting.js';

/** Timers for which the program goes on. */
const holding = () => process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length;

describe('waiting', () => {
  it('keeps the program going for as long as it lasts, and no longer', async () => {
    const before = holding();
    const paused = pause(20);
    expect(holding()).toBe(before + 1);
    await paused;
    const open = within(60_000, new Promise(() => {}));
    expect(holding()).toBe(before + 1);
    void open;
    const settled = within(60_000, Promise.resolve('there'));
    expect(holding()).toBe(before + 2);
    expect(await settled).toBe('there');
    expect(holding()).toBe(before + 1);
  });

  it('is over at once where it is called off', async () => {
    const before = holding();
    const off = new AbortController();
    const paused = pause(60_000, off.signal);
    off.abort();
    await paused;
    await pause(60_000, off.signal);
    expect(holding()).toBe(before);
  });

  it('has a late promise come to nothing, and hands a failure on', async () => {
    expect(await within(5, new Promise(() => {}))).toBeUndefined();
    await expect(within(60_000, Promise.reject(new Error('broken')))).rejects.toThrow('broken');
  });

  it('ends with the reason of a signal, whether it came before or comes amid', async () => {
    const off = new AbortController();
    const amid = unlessAborted(new Promise(() => {}), off.signal);
    off.abort(new Error('stopped'));
    await expect(amid).rejects.toThrow('stopped');
    await expect(unlessAborted(Promise.reject(new Error('later')), off.signal)).rejects.toThrow('stopped');
    expect(await unlessAborted(Promise.resolve(1), new AbortController().signal)).toBe(1);
  });
});
