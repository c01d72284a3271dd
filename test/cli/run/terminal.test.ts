import { PassThrough } from 'node:stream';
import { describe, expect, it, vi } from 'vitest';
import { Output } from '../../../src/cli/output.js';
import { SharedTerminal } from '../../../src/cli/run/terminal.js';

/** A terminal that both write to, and a guest. */
function setUp(shared = true) {
  const screen = new PassThrough();
  let text = '';
  screen.on('data', (chunk) => {
    text += chunk;
  });
  const terminal = new SharedTerminal(new Output(screen), new Output(screen), shared);
  const guest = new PassThrough();
  terminal.attach(guest);
  const flush = () => new Promise((resolve) => setImmediate(resolve));
  return { terminal, guest, flush, text: () => text };
}

describe('SharedTerminal', () => {
  it("does not break into the guest's line", async () => {
    const { terminal, guest, flush, text } = setUp();
    terminal.note('first');
    guest.write('half a ');
    await flush();
    terminal.note('second');
    terminal.note('third');
    guest.write('line\nand half');
    await flush();
    expect(text()).toBe('first\nhalf a line\nsecond\nthird\nand half');
  });

  it('does not wait for ever: a prompt has no end of line', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    try {
      const { terminal, guest, flush, text } = setUp();
      guest.write('login: ');
      await flush();
      terminal.note('note');
      vi.advanceTimersByTime(1000);
      await flush();
      expect(text()).toBe('login: \nnote\n');
    } finally {
      vi.useRealTimers();
    }
  });

  it('does not wait where the guest is shown elsewhere', async () => {
    const { terminal, guest, flush, text } = setUp(false);
    guest.write('half');
    await flush();
    terminal.note('note');
    await flush();
    expect(text()).toBe('halfnote\n');
  });

  it('holds the guest back where the terminal is slow', async () => {
    const slow = new PassThrough({ highWaterMark: 10 });
    const terminal = new SharedTerminal(new Output(slow), new Output(slow), true);
    const guest = new PassThrough({ highWaterMark: 10 });
    terminal.attach(guest);
    for (let line = 0; line < 100; line++) guest.write('0123456789\n');
    await new Promise((resolve) => setImmediate(resolve));
    expect(slow.readableLength).toBeLessThan(100);
    let length = 0;
    slow.on('data', (chunk: Uint8Array) => {
      length += chunk.length;
    });
    await vi.waitFor(() => expect(length).toBe(1100));
  });
});
