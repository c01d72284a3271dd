import type { Writable } from 'node:stream';

type Terminal = Writable & { readonly isTTY?: boolean };

/** A stream that is written to in lines; it remembers that its reader has gone, and then takes everything for nothing. */
export class Output {
  readonly stream: Terminal;
  #gone = false;

  constructor(stream: Terminal) {
    this.stream = stream;
    stream.on('error', (error: NodeJS.ErrnoException) => {
      this.#gone = true;
      // `gpuvm … | head` is no mistake. A full disk is.
      if (error.code !== 'EPIPE') process.exitCode ||= 74;
    });
  }

  /** True once nobody can read what is written. */
  get gone(): boolean {
    return this.#gone;
  }

  line(text: string): void {
    this.write(`${text}\n`);
  }

  json(value: unknown): void {
    this.line(toJson(value));
  }

  /** False where the reader is behind; `drained` waits for it. */
  write(text: string | Uint8Array): boolean {
    return this.#gone || this.stream.write(text);
  }

  /** Resolves once the reader has caught up, or is gone. */
  drained(): Promise<void> {
    const { stream } = this;
    if (this.#gone || !stream.writableNeedDrain) return Promise.resolve();
    return new Promise((resolve) => {
      const done = () => {
        for (const event of ['drain', 'close', 'error']) stream.off(event, done);
        resolve();
      };
      for (const event of ['drain', 'close', 'error']) stream.once(event, done);
    });
  }
}

/** JSON with 64-bit numbers as decimal text and bytes as hexadecimal digits. */
export function toJson(value: unknown): string {
  return JSON.stringify(value, (_key, inner: unknown) => {
    if (typeof inner === 'bigint') return inner.toString();
    if (inner instanceof Uint8Array) return Buffer.from(inner).toString('hex');
    return inner;
  });
}
