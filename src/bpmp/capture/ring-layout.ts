/**
 * A ring of transfers in memory that several threads and processes have mapped: a header, and then whole enhanced packet
 * blocks, none of which is split at the end; a word of 0 where a block's type would be says that the rest is not used.
 * Positions count 32-bit words since the beginning, modulo 2³².
 */

/** Words of the header. */
export const RingWord = {
  /** The oldest block that is still whole; moved on before anything of it is written over. */
  TAIL: 0,
  /** Behind the newest block; moved on when that is whole. */
  HEAD: 1,
  /** Not 0: somebody wants to be woken when a quarter of the ring is new since `SEEN`. */
  NUDGE: 2,
  SEEN: 3,
  /** The first sequence that is in no file, lower word first. */
  STORED: 4,
  /** As `STORED`, of what is on its way into a file. */
  STORING: 6,
  /** The next transfer's sequence; the same way. */
  NEXT: 8,
} as const;

export const RING_HEADER = 64;
/** Of the blocks, in words: 2 MiB, some six thousand transfers. */
export const RING_WORDS = 1 << 19;
export const RING_MASK = RING_WORDS - 1;
/** Bytes of memory that a ring takes; at a multiple of 8. */
export const RING_SIZE = RING_HEADER + RING_WORDS * 4;

/** Bytes: no transfer's block can be longer. What is read at once is no more either. */
export const MOST_BLOCK = 1 << 18;

export const TWO_32 = 2 ** 32;

export function readCount(words: Int32Array, at: number): number {
  return (words[at] >>> 0) + (words[at + 1] >>> 0) * TWO_32;
}

export function writeCount(words: Int32Array, at: number, count: number): void {
  words[at] = count >>> 0;
  words[at + 1] = Math.floor(count / TWO_32);
}
