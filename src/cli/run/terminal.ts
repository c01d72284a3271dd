import { fstatSync } from 'node:fs';
import type { Readable } from 'node:stream';
import type { Output } from '../output.js';

/** How long our own lines wait for the guest to end its line before they break into it. */
const PATIENCE_MS = 150;
const NEWLINE = 0x0a;

/** The guest's console and our own lines on one terminal, without one breaking into the other's lines. */
export class SharedTerminal {
  readonly #console: Output;
  readonly #notes: Output;
  /** Whether both go to the same place; else nothing of one is seen in the other. */
  readonly #shared: boolean;
  #midLine = false;
  #waiting: string[] = [];
  #timer: NodeJS.Timeout | undefined;

  constructor(console: Output, notes: Output, shared = isSamePlace(1, 2)) {
    this.#console = console;
    this.#notes = notes;
    this.#shared = shared;
  }

  /** Shows a stream of the guest's, as fast as the terminal takes it. */
  attach(output: Readable): void {
    output.on('data', (chunk: Uint8Array) => {
      if (this.#show(chunk)) return;
      output.pause();
      void this.#console.drained().then(() => output.resume());
    });
    output.on('error', () => undefined);
  }

  /** One line of our own. */
  note(line: string): void {
    if (this.#shared && this.#midLine) {
      this.#waiting.push(line);
      this.#timer ??= setTimeout(() => this.flush(), PATIENCE_MS);
    } else {
      this.#notes.line(line);
    }
  }

  /** Writes what waits, on lines of its own. */
  flush(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    if (this.#waiting.length === 0) return;
    if (this.#midLine) this.#notes.write('\n');
    this.#midLine = false;
    for (const line of this.#waiting) this.#notes.line(line);
    this.#waiting = [];
  }

  #show(chunk: Uint8Array): boolean {
    const end = this.#waiting.length > 0 ? chunk.indexOf(NEWLINE) : -1;
    if (end < 0) {
      if (chunk.length > 0) this.#midLine = chunk.at(-1) !== NEWLINE;
      return this.#console.write(chunk);
    }
    this.#console.write(chunk.subarray(0, end + 1));
    this.#midLine = false;
    this.flush();
    return this.#show(chunk.subarray(end + 1));
  }
}

/** Whether two descriptors are the same terminal, pipe or file. */
function isSamePlace(a: number, b: number): boolean {
  try {
    const [one, other] = [fstatSync(a), fstatSync(b)];
    return one.dev === other.dev && one.ino === other.ino;
  } catch {
    return false;
  }
}
