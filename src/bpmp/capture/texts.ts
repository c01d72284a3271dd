const encoder = new TextEncoder();
// A byte order mark is a character like any other here: what was written is what is read.
const decoder = new TextDecoder('utf-8', { ignoreBOM: true });

/** Texts that are kept at most in each direction; of longer ones, or further ones, none. */
const PLACES = 1024;
const LONGEST_KEPT = 256;

interface Kept {
  readonly bytes: Uint8Array;
  readonly text: string;
}

/** UTF-8 of texts that come again and again: each is converted once, and a million records share one string. */
export class Texts {
  readonly #longest: number;
  readonly #bytes = new Map<string, Uint8Array>();
  readonly #read: (Kept | undefined)[] = new Array(PLACES).fill(undefined);

  /** @param longest - bytes; what is longer is cut between two characters */
  constructor(longest: number) {
    this.#longest = longest;
  }

  bytesOf(text: string): Uint8Array {
    const kept = this.#bytes.get(text);
    if (kept !== undefined) return kept;
    const bytes = this.#encode(text);
    if (bytes.length <= LONGEST_KEPT) {
      if (this.#bytes.size >= PLACES) this.#bytes.clear();
      this.#bytes.set(text, bytes);
    }
    return bytes;
  }

  read(bytes: Uint8Array, start: number, end: number): string {
    if (start === end) return '';
    if (end - start > LONGEST_KEPT) return decoder.decode(bytes.subarray(start, end));
    let hash = end - start;
    for (let index = start; index < end; index++) hash = (Math.imul(hash, 31) + bytes[index]) | 0;
    const place = (hash ^ (hash >>> 16)) & (PLACES - 1);
    const kept = this.#read[place];
    if (kept !== undefined && isEqual(kept.bytes, bytes, start, end)) return kept.text;
    // Not by slice: a Buffer's is no copy.
    const own = Uint8Array.from(bytes.subarray(start, end));
    const text = decoder.decode(own);
    this.#read[place] = { bytes: own, text };
    return text;
  }

  #encode(text: string): Uint8Array {
    const bytes = encoder.encode(text);
    if (bytes.length <= this.#longest) return bytes;
    let end = this.#longest;
    while (((bytes[end] as number) & 0xc0) === 0x80) end--;
    return bytes.slice(0, end);
  }
}

function isEqual(kept: Uint8Array, bytes: Uint8Array, start: number, end: number): boolean {
  if (kept.length !== end - start) return false;
  for (let index = 0; index < kept.length; index++) if (kept[index] !== bytes[start + index]) return false;
  return true;
}
