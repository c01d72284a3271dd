import { BlockType, BYTE_ORDER_MAGIC, LEAST_BLOCK } from './numbers.js';

/** Of larger blocks none is ever held in memory. */
export const LARGEST_HELD = 1 << 20;
/** A length beyond is taken for damage, as Wireshark does, and not for a block. */
export const LARGEST_BLOCK = 16 << 20;
const LEAST_SECTION = 28;

/** The byte order of a section that begins here: true for little; undefined where none does. */
export function orderAt(view: DataView, at: number): boolean | undefined {
  if (view.getUint32(at, true) !== BlockType.SECTION) return undefined;
  if (view.getUint32(at + 8, true) === BYTE_ORDER_MAGIC) return true;
  return view.getUint32(at + 8, false) === BYTE_ORDER_MAGIC ? false : undefined;
}

export function isLength(length: number, type: number): boolean {
  const least = type === BlockType.SECTION ? LEAST_SECTION : LEAST_BLOCK;
  return length % 4 === 0 && length >= least && length <= LARGEST_BLOCK;
}

export type Frame = { readonly next: number; readonly little: boolean } | 'more' | 'none';

/** The block that begins here, if one does that can be held: where it ends, and the byte order from there on. */
export function frameAt(view: DataView, at: number, end: number, little: boolean): Frame {
  if (end - at < LEAST_BLOCK) return 'more';
  const isSection = view.getUint32(at, true) === BlockType.SECTION;
  const order = isSection ? orderAt(view, at) : little;
  if (order === undefined) return 'none';
  const type = view.getUint32(at, order);
  const length = view.getUint32(at + 4, order);
  if (!isLength(length, type) || length > LARGEST_HELD) return 'none';
  if (end - at < length) return 'more';
  if (view.getUint32(at + length - 4, order) !== length) return 'none';
  return { next: at + length, little: order };
}
