import { closeSync } from 'node:fs';
import { HEADER_SIZE, MAX_FRAME, StreamError } from '../protocol/index.js';

/** Room for a frame that is still coming in after one that has been handled. */
const SIZE = 2 * MAX_FRAME;
/** More descriptors than this that wait for their frame's end are no client's honest work. */
const MAX_WAITING = 64;

/** Bytes that came in and were not yet handled, and the descriptors that came with them. */
export class Received {
  readonly bytes = new Uint8Array(SIZE);
  readonly #view = new DataView(this.bytes.buffer);
  #start = 0;
  #end = 0;
  /** Each with the position after the last byte it came with, counted from the buffer's start. */
  #waiting: { readonly end: number; readonly fd: number }[] = [];

  /** Where the next bytes go. */
  get end(): number {
    return this.#end;
  }

  /** How many wait to be handled. */
  get waiting(): number {
    return this.#end - this.#start;
  }

  /** How many may come; never 0, since handled bytes are moved out of the way. */
  get room(): number {
    if (SIZE - this.#end < MAX_FRAME) this.#compact();
    return SIZE - this.#end;
  }

  /** `count` bytes were put at {@link end}; `fds[0]` descriptors, from `fds[1]`, came along. */
  add(count: number, fds: Int32Array): void {
    this.#end += count;
    const passed = fds[0] as number;
    for (let i = 1; i <= passed; i++) {
      this.#waiting.push({ end: this.#end, fd: fds[i] as number });
    }
    if (this.#waiting.length > MAX_WAITING) throw new StreamError('descriptors came without a message');
  }

  /** The size of the complete frame at the start, or 0. Throws StreamError where no frame can follow. */
  get frameSize(): number {
    const there = this.#end - this.#start;
    if (there < HEADER_SIZE) return 0;
    const size = this.#view.getUint32(this.#start + 4, true);
    if (size < HEADER_SIZE || size > MAX_FRAME) {
      throw new StreamError(
        `a message of ${size} bytes, between ${HEADER_SIZE} and ${MAX_FRAME} are possible`,
      );
    }
    return size <= there ? size : 0;
  }

  get frameStart(): number {
    return this.#start;
  }

  /**
   * Takes the descriptors of the frame at the start, which is `size` bytes long; they become the caller's. A
   * message's descriptors arrive no later than with its last byte, and never with bytes of a later one.
   */
  takeDescriptors(size: number): number[] {
    if (this.#waiting.length === 0) return [];
    const end = this.#start + size;
    const taken = this.#waiting.filter((entry) => entry.end <= end);
    this.#waiting = this.#waiting.filter((entry) => entry.end > end);
    return taken.map((entry) => entry.fd);
  }

  /** Done with the frame at the start. */
  skip(size: number): void {
    this.#start += size;
    if (this.#start === this.#end && this.#waiting.length === 0) {
      this.#start = 0;
      this.#end = 0;
    }
  }

  close(): void {
    for (const { fd } of this.#waiting) closeSync(fd);
    this.#waiting = [];
  }

  #compact(): void {
    const by = this.#start;
    this.bytes.copyWithin(0, by, this.#end);
    this.#waiting = this.#waiting.map(({ end, fd }) => ({ end: end - by, fd }));
    this.#start = 0;
    this.#end -= by;
  }
}
