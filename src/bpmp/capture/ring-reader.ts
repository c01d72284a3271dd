import { OptionCode } from './pcapng/numbers.js';
import {
  MOST_BLOCK,
  RING_HEADER,
  RING_MASK,
  RING_SIZE,
  RING_WORDS,
  RingWord,
  readCount,
  TWO_32,
  writeCount,
} from './ring-layout.js';
import { blockLength, sequenceAt } from './ring-walk.js';

/** Whole packet blocks of interface 0, one after the other, in memory of their own. */
export interface RingChunk {
  readonly blocks: Uint8Array;
  readonly records: number;
  /** Transfers that this reader was too slow for, before the first of these; its block says so too. */
  readonly dropped: number;
  /** The sequence behind the last of these. */
  readonly next: number;
}

/** Where reading begins: with what the ring has, with the last so many, with a sequence (from which on all are expected), or with what comes. */
export type RingStart = 'oldest' | 'now' | { readonly recent: number } | { readonly sequence: number };

const FIRST = RING_HEADER >> 2;
const MOST_WORDS = MOST_BLOCK >> 2;
/** A writer may be faster than we are, but not for ever. */
const TRIES = 64;

/**
 * Reads a ring as it is written, in any thread and any process that has the memory, without the writer's knowing: copies,
 * and looks afterwards whether what was copied was still whole. Whatever lies in the memory, it reads nothing else.
 */
export class RingReader {
  readonly #words: Int32Array;
  readonly #fence = new Int32Array(new SharedArrayBuffer(4));
  #position: number;
  /** What is older is passed over. */
  #from = 0;
  /** The sequence that is to come next; undefined where nobody can tell. */
  #expected: number | undefined;

  constructor(memory: ArrayBufferLike, offset = 0, start: RingStart = 'oldest') {
    this.#words = new Int32Array(memory, offset, RING_SIZE / 4);
    this.#position = Atomics.load(this.#words, RingWord.TAIL) >>> 0;
    const next = readCount(this.#words, RingWord.NEXT);
    if (start === 'now') {
      this.#expected = next;
      this.#from = next;
    } else if (typeof start === 'object') {
      this.#from = 'recent' in start ? next - start.recent : start.sequence;
      if ('sequence' in start) this.#expected = start.sequence;
    }
  }

  /** Whether there is something to read. */
  get hasMore(): boolean {
    return this.#position !== Atomics.load(this.#words, RingWord.HEAD) >>> 0;
  }

  /** The next blocks, some 256 KiB at most; undefined where nothing is new. */
  read(): RingChunk | undefined {
    for (let tried = 0; tried < TRIES; tried++) {
      const head = Atomics.load(this.#words, RingWord.HEAD) >>> 0;
      const tail = Atomics.load(this.#words, RingWord.TAIL) >>> 0;
      if ((head - tail) >>> 0 > RING_WORDS) return undefined;
      // Behind the tail, or nowhere at all.
      if ((head - this.#position) >>> 0 > (head - tail) >>> 0) this.#position = tail;
      if (this.#position === head) return undefined;
      const chunk = this.#copy(head);
      if (chunk !== undefined) return chunk;
    }
    return undefined;
  }

  /** Has the writer wake whoever it was told to, when a quarter of the ring is new from here on. */
  askForNudge(): void {
    this.#words[RingWord.SEEN] = this.#position;
    this.#words[RingWord.NUDGE] = 1;
  }

  #copy(head: number): RingChunk | undefined {
    const start = this.#position;
    const index = start & RING_MASK;
    const size = Math.min((head - start) >>> 0, RING_WORDS - index, MOST_WORDS);
    const words = this.#words.slice(FIRST + index, FIRST + index + size);
    // What was read above may not be read below: a store and a load between keep it there, on ARM too.
    Atomics.store(this.#fence, 0, 0);
    const tail = Atomics.load(this.#words, RingWord.TAIL) >>> 0;
    // The tail is always between two blocks; what is behind it was not touched meanwhile.
    const torn = (tail - start) | 0;
    if (torn > 0) this.#position = tail;
    if (torn >= size) return undefined;
    const begin = Math.max(torn, 0);
    return this.#take(words, begin, head);
  }

  #take(words: Int32Array, begin: number, head: number): RingChunk | undefined {
    let at = begin;
    let first = begin;
    let records = 0;
    let next = 0;
    let firstSequence = 0;
    while (at < words.length) {
      const length = blockLength(words, at, words.length);
      const rest = RING_WORDS - (this.#position & RING_MASK);
      const isLost =
        length === undefined ||
        (length < 0 && at === 0) ||
        (length === 0 && (head - this.#position) >>> 0 < rest);
      if (isLost) {
        // No writer of ours left this: what is between here and the head nobody can tell apart.
        this.#position = head;
        break;
      }
      if (length < 0) break;
      if (length === 0) {
        this.#position = (this.#position + rest) >>> 0;
        break;
      }
      const sequence = sequenceAt(words, at);
      at += length;
      this.#position = (this.#position + length) >>> 0;
      if (records === 0) {
        first = at - length;
        firstSequence = sequence;
        if (sequence < this.#from) continue;
      }
      records++;
      next = sequence + 1;
    }
    if (records === 0) return undefined;
    const dropped =
      this.#expected === undefined || this.#expected > firstSequence ? 0 : firstSequence - this.#expected;
    this.#expected = next;
    const blocks = new Uint8Array(words.buffer, first * 4, (at - first) * 4);
    return { blocks: dropped > 0 ? withDropped(blocks, dropped) : blocks, records, dropped, next };
  }
}

/** What of a ring is in files already, for a successor who goes on with it. */
export class RingProgress {
  readonly #words: Int32Array;

  constructor(memory: ArrayBufferLike, offset = 0) {
    this.#words = new Int32Array(memory, offset, RING_SIZE / 4);
  }

  /** The first sequence that is in no file for certain. */
  get stored(): number {
    return readCount(this.#words, RingWord.STORED);
  }

  /** Behind the last one that may be in a file: more than `stored` where whoever wrote it was killed while it did. */
  get storing(): number {
    return readCount(this.#words, RingWord.STORING);
  }

  begin(next: number): void {
    writeCount(this.#words, RingWord.STORING, next);
  }

  end(next: number): void {
    writeCount(this.#words, RingWord.STORED, next);
  }
}

/** The blocks, with an option more in the first: how many were lost before it. */
function withDropped(blocks: Uint8Array, dropped: number): Uint8Array {
  const old = new DataView(blocks.buffer, blocks.byteOffset, blocks.length);
  const size = old.getUint32(4, true);
  const longer = new Uint8Array(blocks.length + 12);
  const view = new DataView(longer.buffer);
  // Before the options' end and the block's length.
  const at = size - 8;
  longer.set(blocks.subarray(0, at));
  view.setUint16(at, OptionCode.PACKET_DROPPED, true);
  view.setUint16(at + 2, 8, true);
  view.setUint32(at + 4, dropped >>> 0, true);
  view.setUint32(at + 8, dropped / TWO_32, true);
  longer.set(blocks.subarray(at), at + 12);
  view.setUint32(4, size + 12, true);
  view.setUint32(size + 8, size + 12, true);
  return longer;
}
