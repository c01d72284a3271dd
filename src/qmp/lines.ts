import { isAscii } from 'node:buffer';
import { GpuvmError } from '../errors.js';

/** The longest line taken by default, in bytes: far above `query-qmp-schema`, far below harm. */
export const MAX_LINE_BYTES = 64 * 1024 * 1024;

const NEWLINE = 0x0a;

/**
 * Cuts a byte stream into lines. Chunks of an unfinished line are kept as copies and joined once, so that a long line
 * costs its length and not its square; the chunk itself may be a buffer that is read into again.
 */
export class LineReader {
  readonly #limit: number;
  readonly #decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
  #parts: Buffer[] = [];
  #length = 0;

  constructor(limitBytes = MAX_LINE_BYTES, partial?: Uint8Array) {
    this.#limit = limitBytes;
    if (partial && partial.length > 0) this.#keep(partial);
  }

  /** Hands over each line that `chunk` completes, without its end, blank ones left out. Throws GPUVM_QMP_PROTOCOL. */
  push(chunk: Uint8Array, take: (line: string) => void): void {
    let start = 0;
    for (let end = chunk.indexOf(NEWLINE); end >= 0; end = chunk.indexOf(NEWLINE, start)) {
      const line = this.#finish(chunk.subarray(start, end)).trim();
      start = end + 1;
      if (line !== '') take(line);
    }
    if (start < chunk.length) this.#keep(chunk.subarray(start));
  }

  /** The bytes of a line that has not ended yet. */
  get partial(): Buffer {
    return Buffer.concat(this.#parts, this.#length);
  }

  #keep(part: Uint8Array): void {
    this.#check(part.length);
    this.#length += part.length;
    this.#parts.push(Buffer.from(part));
  }

  #finish(last: Uint8Array): string {
    this.#check(last.length);
    if (this.#parts.length === 0) return this.#decode(last);
    const whole = Buffer.concat([...this.#parts, last], this.#length + last.length);
    this.#parts = [];
    this.#length = 0;
    return this.#decode(whole);
  }

  #check(more: number): void {
    if (this.#length + more <= this.#limit) return;
    this.#parts = [];
    this.#length = 0;
    throw new GpuvmError('GPUVM_QMP_PROTOCOL', `the QMP server sent a line above ${this.#limit} bytes`, {
      details: { limitBytes: this.#limit },
    });
  }

  #decode(bytes: Uint8Array): string {
    // QEMU escapes all that is not ASCII, so this is nearly every line.
    if (isAscii(bytes)) return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('latin1');
    try {
      return this.#decoder.decode(bytes);
    } catch (cause) {
      throw new GpuvmError('GPUVM_QMP_PROTOCOL', 'the QMP server sent a line that is not UTF-8', { cause });
    }
  }
}
