import { GpuvmError } from '../errors.js';

/** The longest line taken by default, in bytes: far above `query-qmp-schema`, far below harm. */
export const MAX_LINE_BYTES = 64 * 1024 * 1024;

const NEWLINE = 0x0a;

/**
 * Cuts a byte stream into lines. Chunks of an unfinished line are kept as they came and joined once, so that a long
 * line costs its length and not its square.
 */
export class LineReader {
  readonly #limit: number;
  readonly #decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
  #parts: Uint8Array[] = [];
  #length = 0;

  constructor(limitBytes = MAX_LINE_BYTES) {
    this.#limit = limitBytes;
  }

  /** The lines that `chunk` completes, without their ends, blank ones left out. Throws GPUVM_QMP_PROTOCOL. */
  *push(chunk: Uint8Array): Generator<string, void> {
    let start = 0;
    for (let end = chunk.indexOf(NEWLINE); end >= 0; end = chunk.indexOf(NEWLINE, start)) {
      this.#keep(chunk.subarray(start, end));
      start = end + 1;
      const line = this.#take().trim();
      if (line !== '') yield line;
    }
    if (start < chunk.length) this.#keep(chunk.subarray(start));
  }

  #keep(part: Uint8Array): void {
    this.#length += part.length;
    if (this.#length > this.#limit) {
      this.#parts = [];
      throw new GpuvmError('GPUVM_QMP_PROTOCOL', `the QMP server sent a line above ${this.#limit} bytes`, {
        details: { limitBytes: this.#limit },
      });
    }
    this.#parts.push(part);
  }

  #take(): string {
    const bytes = this.#parts.length === 1 ? this.#parts[0]! : Buffer.concat(this.#parts, this.#length);
    this.#parts = [];
    this.#length = 0;
    try {
      return this.#decoder.decode(bytes);
    } catch (cause) {
      throw new GpuvmError('GPUVM_QMP_PROTOCOL', 'the QMP server sent a line that is not UTF-8', { cause });
    }
  }
}
