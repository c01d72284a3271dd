import { Limit } from './format.js';
import type { Part } from './header.js';
import { troubleWithName } from './tree.js';

/** Takes names out of a blob: each ends with a NUL. */
export class NameReader {
  readonly #bytes: Buffer;
  readonly #damaged: (what: string, offset: number) => Error;
  /** By their offset in the strings: a tree has few names, each used often. */
  readonly #known = new Map<number, string>();

  constructor(bytes: Uint8Array, damaged: (what: string, offset: number) => Error) {
    this.#bytes = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#damaged = damaged;
  }

  /** What stands before the next NUL, which must come before `end` and within `limit` bytes. */
  at(start: number, end: number, limit: number): string {
    const last = Math.min(end, start + limit + 1);
    // A loop, as names are short: to find the NUL by `indexOf` could mean to look through the whole rest.
    let at = start;
    while (at < last && this.#bytes[at] !== 0) at++;
    if (at >= last) throw this.#damaged('a name without an end', start);
    return this.#bytes.toString('latin1', start, at);
  }

  /** `offset` counts from the strings' beginning; `from` is where it was said. */
  ofProperty(offset: number, strings: Part, from: number): string {
    const known = this.#known.get(offset);
    if (known !== undefined) return known;
    if (offset >= strings.end - strings.start)
      throw this.#damaged('a property whose name lies outside of the strings', from);
    const name = this.at(strings.start + offset, strings.end, Limit.NAME);
    const trouble = troubleWithName(name);
    if (trouble) throw this.#damaged(`a property whose name ${trouble}`, from);
    this.#known.set(offset, name);
    return name;
  }
}
