/**
 * The part of a stream that is being looked at. A chunk is looked at where it lies as long as no block is split between
 * two; what is left of one is kept, in memory that grows with what has really come.
 */
export class Window {
  bytes: Uint8Array = new Uint8Array(0);
  view: DataView = new DataView(this.bytes.buffer);
  /** Where the next block begins, and where the data ends, in `bytes`. */
  at = 0;
  end = 0;
  /** The offset in the stream of the first of `bytes`. */
  #base = 0;
  #own: Uint8Array = new Uint8Array(0);

  get offset(): number {
    return this.#base + this.at;
  }

  get left(): number {
    return this.end - this.at;
  }

  /** Adds a chunk, which must stay as it is until `keep`. */
  add(chunk: Uint8Array): void {
    const { left } = this;
    if (left === 0) {
      this.#base += this.at;
      this.#look(chunk, chunk.length);
      return;
    }
    this.keep();
    if (this.end + chunk.length > this.#own.length) this.#move(left + chunk.length);
    this.#own.set(chunk, this.end);
    this.end += chunk.length;
  }

  /** Everything in the chunk was looked at: what is left of it is copied, so that its memory may be used again. */
  keep(): void {
    if (this.left > 0 && this.bytes !== this.#own) this.#move(this.left);
  }

  /** Has what is left at the begin of memory of our own, with room for so many bytes. */
  #move(size: number): void {
    const { left } = this;
    const rest = this.bytes.subarray(this.at, this.end);
    if (size > this.#own.length) this.#own = new Uint8Array(2 * size);
    this.#own.set(rest);
    this.#base += this.at;
    this.#look(this.#own, left);
  }

  #look(bytes: Uint8Array, end: number): void {
    if (bytes !== this.bytes) this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    this.bytes = bytes;
    this.at = 0;
    this.end = end;
  }
}
