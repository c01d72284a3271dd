/** `struct mrq_i2c_request` of bpmp-abi.h: cmd, bus_id, data_size, then packed segments. */
const DATA_SIZE_AT = 8;
const DATA_AT = 12;
/** `struct serial_i2c_request`: addr, flags, len; then the data of a write. */
const SEGMENT_SIZE = 6;
const FLAG_READ = 0x0001;
const FLAG_TEN_BIT = 0x0010;

export const I2cWalk = { FITS: 0, BROKEN: 1, FOREIGN: 2 } as const;
export type I2cWalk = (typeof I2cWalk)[keyof typeof I2cWalk];

function u16(tx: Uint8Array, at: number): number {
  return tx[at]! | (tx[at + 1]! << 8);
}

/** Walks a transfer's segments and looks each address up; allocates nothing. A 10-bit address is never one of `allowed`. */
export function walkSegments(tx: Uint8Array, allowed: Uint8Array): I2cWalk {
  const end = segmentsEnd(tx);
  if (end < 0) return I2cWalk.BROKEN;
  // A transfer without segments is nobody's.
  let foreign = end === DATA_AT;
  let at = DATA_AT;
  while (at < end) {
    if (at + SEGMENT_SIZE > end) return I2cWalk.BROKEN;
    const address = u16(tx, at);
    const flags = u16(tx, at + 2);
    if ((flags & FLAG_TEN_BIT) !== 0 || address >= allowed.length || allowed[address] === 0) foreign = true;
    at += SEGMENT_SIZE + ((flags & FLAG_READ) !== 0 ? 0 : u16(tx, at + 4));
    if (at > end) return I2cWalk.BROKEN;
  }
  return foreign ? I2cWalk.FOREIGN : I2cWalk.FITS;
}

/** The addresses of a transfer; undefined where it is broken or has one that cannot be granted. */
export function addressesOf(tx: Uint8Array): number[] | undefined {
  const addresses = new Set<number>();
  const all = new Uint8Array(0x80).fill(1);
  if (walkSegments(tx, all) !== I2cWalk.FITS) return undefined;
  const end = segmentsEnd(tx);
  for (let at = DATA_AT; at < end; ) {
    addresses.add(u16(tx, at));
    at += SEGMENT_SIZE + ((u16(tx, at + 2) & FLAG_READ) !== 0 ? 0 : u16(tx, at + 4));
  }
  return [...addresses].sort((a, b) => a - b);
}

/** Where the segments end; -1 where that is beyond the payload. */
function segmentsEnd(tx: Uint8Array): number {
  if (tx.length < DATA_AT) return -1;
  const high = u16(tx, DATA_SIZE_AT + 2);
  const end = DATA_AT + u16(tx, DATA_SIZE_AT);
  return high === 0 && end <= tx.length ? end : -1;
}
