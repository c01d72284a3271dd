import type { Readable } from 'node:stream';

const KEPT_LINES = 20;
const MAX_LINE = 2000;

/** Reads QEMU's stderr in lines and keeps the last of them, for the error that explains its exit. */
export class StderrTail {
  readonly ended: Promise<void>;
  readonly #kept: string[] = [];
  readonly #onLine: (line: string) => void;
  #open = '';

  constructor(stream: Readable, onLine: (line: string) => void) {
    this.#onLine = onLine;
    stream.setEncoding('utf8');
    stream.on('data', (text: string) => this.#push(text));
    stream.on('error', () => undefined);
    this.ended = new Promise((resolve) => {
      stream.once('close', () => {
        if (this.#open !== '') this.#line(this.#open);
        this.#open = '';
        resolve();
      });
    });
  }

  get lines(): readonly string[] {
    return this.#kept;
  }

  #push(text: string): void {
    const lines = (this.#open + text).split(/\r?\n/);
    // A line that does not end is cut, not collected.
    this.#open = lines.pop()!.slice(0, MAX_LINE);
    for (const line of lines) this.#line(line);
  }

  #line(text: string): void {
    const line = printable(text.slice(0, MAX_LINE)).trimEnd();
    if (line === '') return;
    this.#kept.push(line);
    if (this.#kept.length > KEPT_LINES) this.#kept.shift();
    this.#onLine(line);
  }
}

/** A guest can make some QEMUs print what it likes; a terminal must not obey it. */
function printable(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is taken out
  return text.replace(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/g, '?');
}
