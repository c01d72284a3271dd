import { describe, expect, it } from 'vitest';
import { TestConsole } from '../../src/testing/console.js';

function console_() {
  let say: (chunk: Uint8Array) => void = () => {};
  const typed: string[] = [];
  const enders = new Set<() => void>();
  let over: string | undefined;
  const console = new TestConsole(
    {
      recent: () => Buffer.from('boot\n'),
      subscribe: (fn) => {
        say = fn;
        return () => undefined;
      },
      write: (data) => void typed.push(Buffer.from(data).toString()),
    },
    {
      deadlineMs: 200,
      over: () => over,
      onOver: (fn) => {
        enders.add(fn);
        return () => enders.delete(fn);
      },
    },
  );
  const end = (why: string) => {
    over = why;
    for (const fn of [...enders]) fn();
  };
  return { console, say: (text: string | Uint8Array) => say(Buffer.from(text)), typed, end, enders };
}

describe('TestConsole', () => {
  it('finds what was said before and what is said after, once each', async () => {
    const { console, say } = console_();
    expect((await console.waitFor('boot')).before).toBe('');
    say('login: ');
    say('login: ');
    const first = await console.waitFor(/log(in): /);
    expect(first).toMatchObject({ text: 'login: ', before: '\n', groups: ['in'] });
    await console.waitFor('login: ');
    await expect(console.waitFor('login: ', { deadlineMs: 20 })).rejects.toMatchObject({
      code: 'GPUVM_WAIT',
    });
    expect(console.text).toBe('boot\nlogin: login: ');
  });

  it('joins what comes in pieces, characters included', async () => {
    const { console, say } = console_();
    const waiting = console.waitFor('grün!');
    const bytes = Buffer.from('grün!');
    for (const byte of bytes) say(Uint8Array.of(byte));
    expect((await waiting).text).toBe('grün!');
  });

  it('says what it waited for and what the guest said last', async () => {
    const { console, say, enders } = console_();
    say('kernel panic\n');
    await expect(console.waitFor(/login/i, { deadlineMs: 10 })).rejects.toThrow(
      'there was no /login/i on the console within 10 ms; its last lines:\n  boot\n  kernel panic',
    );
    expect(enders.size).toBe(0);
  });

  it('does not wait for what can no longer come', async () => {
    const { console, end } = console_();
    const waiting = console.waitFor('login', { deadlineMs: 60_000 });
    end('the VM ended (the guest shut down)');
    await expect(waiting).rejects.toThrow('the VM ended (the guest shut down) before there was "login"');
    // What was said before the end is still found.
    expect((await console.waitFor('boot')).text).toBe('boot');
  });

  it('stops at a signal', async () => {
    const { console } = console_();
    const control = new AbortController();
    const waiting = console.waitFor('x', { signal: control.signal });
    control.abort(new Error('enough'));
    await expect(waiting).rejects.toThrow('enough');
  });

  it('types', async () => {
    const { console, typed } = console_();
    await console.type('root\n');
    await console.type(Uint8Array.of(3));
    expect(typed).toEqual(['root\n', '\u0003']);
  });
});
