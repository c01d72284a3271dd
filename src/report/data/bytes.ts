/** Whole numbers in as few bytes as they need, seven bits each, low ones first; any that a double holds. */
export class ByteWriter {
  #bytes = new Uint8Array(1 << 12);
  #length = 0;

  unsigned(value: number): void {
    this.#room(11);
    let rest = value;
    while (rest >= 128) {
      this.#bytes[this.#length++] = (rest % 128) | 128;
      rest = Math.floor(rest / 128);
    }
    this.#bytes[this.#length++] = rest;
  }

  /** The sign first, so that small numbers of either sign stay small and large ones exact. */
  signed(value: number): void {
    this.#room(11);
    const size = Math.abs(value);
    const rest = Math.floor(size / 64);
    this.#bytes[this.#length++] = (size % 64) * 2 + (value < 0 ? 1 : 0) + (rest > 0 ? 128 : 0);
    if (rest > 0) this.unsigned(rest);
  }

  raw(bytes: Uint8Array): void {
    this.#room(bytes.length);
    this.#bytes.set(bytes, this.#length);
    this.#length += bytes.length;
  }

  /** What was written; a view, so nothing may be written after it. */
  get bytes(): Uint8Array {
    return this.#bytes.subarray(0, this.#length);
  }

  #room(size: number): void {
    if (this.#length + size <= this.#bytes.length) return;
    const larger = new Uint8Array(Math.max(this.#bytes.length * 2, this.#length + size));
    larger.set(this.#bytes);
    this.#bytes = larger;
  }
}

export class ByteReader {
  readonly #bytes: Uint8Array;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  get done(): boolean {
    return this.#at >= this.#bytes.length;
  }

  unsigned(): number {
    let byte = this.#bytes[this.#at++]!;
    if (byte < 128) return byte;
    let value = byte & 127;
    let scale = 128;
    do {
      byte = this.#bytes[this.#at++]!;
      value += (byte & 127) * scale;
      scale *= 128;
    } while (byte >= 128);
    return value;
  }

  signed(): number {
    const byte = this.#bytes[this.#at++]!;
    const low = (byte & 127) >> 1;
    const size = byte < 128 ? low : low + this.unsigned() * 64;
    return (byte & 1) === 0 ? size : -size;
  }

  raw(length: number): Uint8Array {
    const bytes = this.#bytes.subarray(this.#at, this.#at + length);
    this.#at += length;
    return bytes;
  }
}
