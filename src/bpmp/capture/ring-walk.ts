import { HEADER_SIZE, MAGIC } from './packet.js';
import { BlockType, PACKET_HEADER } from './pcapng/numbers.js';
import { RING_HEADER, RING_MASK, RING_WORDS, RingWord, TWO_32 } from './ring-layout.js';

const LEAST_WORDS = (PACKET_HEADER + HEADER_SIZE + 4) / 4;
const PACKET = PACKET_HEADER / 4;

/** The sequence in a block that begins at this word. */
export function sequenceAt(words: Int32Array, at: number): number {
  return (words[at + PACKET + 4] >>> 0) + (words[at + PACKET + 5] >>> 0) * TWO_32;
}

/**
 * The length in words of the block that begins at word `at` and ends before `end`: 0 where what is there is not used up to
 * the ring's end, -1 where only a part of it is there, and undefined where it is nothing that a writer of ours left.
 */
export function blockLength(words: Int32Array, at: number, end: number): number | undefined {
  if (words[at] === 0) return 0;
  if (words[at] !== BlockType.ENHANCED_PACKET) return undefined;
  if (at + 1 >= end) return -1;
  const bytes = words[at + 1];
  const length = bytes >>> 2;
  if (bytes % 4 !== 0 || length < LEAST_WORDS || length > RING_WORDS) return undefined;
  if (at + length > end) return -1;
  if (words[at + length - 1] !== bytes || words[at + PACKET] !== MAGIC) return undefined;
  return length;
}

/** Whether from the tail to the head there is what a writer of ours left, block after block. */
export function isWhole(words: Int32Array): boolean {
  const head = words[RingWord.HEAD] >>> 0;
  let position = words[RingWord.TAIL] >>> 0;
  if ((head - position) >>> 0 > RING_WORDS) return false;
  const first = RING_HEADER >> 2;
  while (position !== head) {
    const index = position & RING_MASK;
    const end = Math.min(RING_WORDS, index + ((head - position) >>> 0));
    const length = blockLength(words, first + index, first + end);
    if (length === undefined || length < 0 || (length === 0 && end < RING_WORDS)) return false;
    position = (position + (length === 0 ? end - index : length)) >>> 0;
  }
  return true;
}
