import { readFileSync } from 'node:fs';
import type { Writable } from 'node:stream';
import type { Context } from '../context.js';

const CTRL_A = 0x01;
const CTRL_C = 0x03;
const LETTER_X = 0x78;

type Terminal = Context['stdin'] & { setRawMode?(raw: boolean): unknown; unref?(): void };

/**
 * Hands the terminal's keys to the guest. At a terminal they come one by one and unechoed, so Ctrl-C comes as a key
 * too: it calls `stop`, as Ctrl-A x does; Ctrl-A before a key sends the key itself. In the background the terminal is
 * somebody else's and is left alone. Other `keys` may be ours. Returns what gives the terminal back.
 */
export function attachKeyboard(
  stdin: Terminal,
  guest: Writable,
  stop: () => void,
  foreground = isInForeground(),
  keys: { pass(chunk: Uint8Array): Uint8Array } = new KeyFilter(stop),
): () => void {
  const raw = stdin.isTTY === true && stdin.setRawMode !== undefined;
  if (raw && !foreground) return () => undefined;
  if (raw) stdin.setRawMode!(true);
  const onData = (chunk: Uint8Array) => {
    const passed = raw ? keys.pass(chunk) : chunk;
    if (passed.length === 0 || guest.write(passed)) return;
    stdin.pause();
    guest.once('drain', () => stdin.resume());
  };
  const onEnd = () => guest.end();
  stdin.on('data', onData);
  stdin.once('end', onEnd);
  stdin.once('error', onEnd);
  return () => {
    stdin.off('data', onData);
    stdin.off('end', onEnd);
    if (raw) stdin.setRawMode!(false);
    stdin.pause();
    // A stream that is still open must not keep the program from ending.
    stdin.unref?.();
  };
}

/** Whether the terminal is this program's to read from: a background job that tries is stopped by the kernel. */
function isInForeground(): boolean {
  try {
    // proc(5): pid (comm) state ppid pgrp session tty_nr tpgid; comm may hold anything, so count from its end.
    const stat = readFileSync('/proc/self/stat', 'utf8');
    const [, , group, , , foreground] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return group === foreground;
  } catch {
    return true;
  }
}

/** Takes our own keys out of what goes to the guest. */
export class KeyFilter {
  readonly #stop: () => void;
  #escaped = false;

  constructor(stop: () => void) {
    this.#stop = stop;
  }

  pass(chunk: Uint8Array): Uint8Array {
    const passed: number[] = [];
    for (const key of chunk) {
      if (this.#escaped) {
        this.#escaped = false;
        if (key === LETTER_X) this.#stop();
        else passed.push(key);
      } else if (key === CTRL_A) this.#escaped = true;
      else if (key === CTRL_C) this.#stop();
      else passed.push(key);
    }
    return Uint8Array.from(passed);
  }
}
