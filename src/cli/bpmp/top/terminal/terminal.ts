import { write, writeSync } from 'node:fs';
import type { ReadStream } from 'node:tty';
import { KeyReader } from './keys.js';

/** Another screen, no cursor, no wrapping at the right end. */
const ENTER = '\u001b[?1049h\u001b[?25l\u001b[?7l\u001b[0m\u001b[2J';
const LEAVE = '\u001b[0m\u001b[?7h\u001b[?25h\u001b[?1049l';
/** What follows an Escape within this is one key with it. */
const ESCAPE_MS = 50;
const RETRY_MS = 10;
const ENDING = ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT'] as const;

export interface TerminalEvents {
  onKey(key: string): void;
  /** Another size, or everything that was shown is gone. */
  onRedraw(): void;
  /** A signal asks this program to end, or the keyboard is gone. */
  onEnd(signal: NodeJS.Signals | undefined): void;
}

export interface ScreenStream extends NodeJS.EventEmitter {
  readonly fd: number;
  readonly columns?: number;
  readonly rows?: number;
}

/**
 * A terminal that is ours for a while: keys one by one, a screen of its own. It is given back as it was however this
 * program ends: asked to, by a signal, by a mistake of ours; and while it is stopped.
 */
export class Terminal {
  readonly #keyboard: ReadStream;
  readonly #screen: ScreenStream;
  readonly #events: TerminalEvents;
  readonly #reader = new KeyReader();
  #timer: NodeJS.Timeout | undefined;
  #isOurs = false;

  constructor(keyboard: ReadStream, screen: ScreenStream, events: TerminalEvents) {
    this.#keyboard = keyboard;
    this.#screen = screen;
    this.#events = events;
  }

  get size(): { columns: number; rows: number } {
    return { columns: this.#screen.columns || 80, rows: this.#screen.rows || 24 };
  }

  open(): void {
    this.#take();
    this.#keyboard.on('data', this.#onData);
    this.#keyboard.once('end', this.#onGone);
    this.#keyboard.once('error', this.#onGone);
    this.#screen.on('resize', this.#onResize);
    for (const signal of ENDING) process.on(signal, this.#onSignal);
    process.on('SIGTSTP', this.#onStop);
    process.on('SIGCONT', this.#onContinue);
    // Before Node prints what went wrong, so that it is seen.
    process.on('uncaughtExceptionMonitor', this.#giveBack);
    process.on('exit', this.#giveBack);
  }

  close(): void {
    clearTimeout(this.#timer);
    this.#giveBack();
    this.#keyboard.off('data', this.#onData);
    this.#keyboard.off('end', this.#onGone);
    this.#keyboard.off('error', this.#onGone);
    this.#keyboard.pause();
    this.#keyboard.unref();
    this.#screen.off('resize', this.#onResize);
    for (const signal of ENDING) process.off(signal, this.#onSignal);
    process.off('SIGTSTP', this.#onStop);
    process.off('SIGCONT', this.#onContinue);
    process.off('uncaughtExceptionMonitor', this.#giveBack);
    process.off('exit', this.#giveBack);
  }

  /** Not by the stream, which for a terminal waits in the call: here signals and keys go on. */
  async write(text: string): Promise<void> {
    let bytes = Buffer.from(text);
    while (bytes.length > 0 && this.#isOurs) {
      const written = await new Promise<number>((resolve) =>
        write(this.#screen.fd, bytes, (error, count) =>
          resolve(error === null ? count : error.code === 'EAGAIN' ? 0 : bytes.length),
        ),
      );
      bytes = bytes.subarray(written);
      if (written === 0) await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
    }
  }

  /** As Ctrl-Z does: the terminal is the shell's until this program goes on. */
  suspend(): void {
    this.#giveBack();
    process.off('SIGTSTP', this.#onStop);
    // The whole group, as a terminal does it: who pipes into this program stops too.
    process.kill(0, 'SIGTSTP');
    // Where nobody stops it (a group without a shell), it goes on here at once.
    setImmediate(() => {
      process.on('SIGTSTP', this.#onStop);
      this.#onContinue();
    });
  }

  #take(): void {
    this.#isOurs = true;
    this.#keyboard.setRawMode(true);
    this.#writeNow(ENTER);
  }

  readonly #giveBack = (): void => {
    if (!this.#isOurs) return;
    this.#isOurs = false;
    this.#writeNow(LEAVE);
    try {
      this.#keyboard.setRawMode(false);
    } catch {
      // The terminal itself is gone.
    }
  };

  #writeNow(text: string): void {
    try {
      writeSync(this.#screen.fd, text);
    } catch {
      // Gone, or full: there is nobody to tell.
    }
  }

  readonly #onData = (chunk: Uint8Array): void => {
    clearTimeout(this.#timer);
    this.#keys(this.#reader.read(chunk));
    if (this.#reader.isOpen) this.#timer = setTimeout(() => this.#keys(this.#reader.flush()), ESCAPE_MS);
  };

  #keys(keys: readonly string[]): void {
    for (const key of keys) {
      if (key === 'ctrl-z') this.suspend();
      else this.#events.onKey(key);
    }
  }

  readonly #onGone = (): void => this.#events.onEnd(undefined);
  readonly #onResize = (): void => this.#events.onRedraw();
  readonly #onSignal = (signal: NodeJS.Signals): void => this.#events.onEnd(signal);
  readonly #onStop = (): void => this.suspend();
  readonly #onContinue = (): void => {
    // Whoever had it meanwhile may have left it otherwise.
    this.#take();
    this.#events.onRedraw();
  };
}
