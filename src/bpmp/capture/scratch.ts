/** More than the longest block that is ever written: packet, comment and all. */
const SIZE = 1 << 18;

/**
 * Where a block is put together before it is copied out at its length: of a view that is made for each, the making would
 * take longest.
 */
export const scratch = new Uint8Array(SIZE);
export const scratchView = new DataView(scratch.buffer);
