import { GpuvmError } from '../../errors.js';

const U64_END = 1n << 64n;

/** How many bytes one access has. */
export type AccessWidth = 1 | 2 | 4 | 8;

export function wrong(what: string): GpuvmError {
  return new GpuvmError('GPUVM_USAGE', what);
}

/** A 64-bit number; a number that JavaScript holds exactly will do too. */
export function u64(value: number | bigint, what: string): bigint {
  const whole = typeof value === 'bigint' ? value : Number.isSafeInteger(value) ? BigInt(value) : undefined;
  if (whole === undefined || whole < 0n || whole >= U64_END)
    throw wrong(`${what} must be a whole number from 0 to 2^64 - 1, not ${String(value)}`);
  return whole;
}

export function size(value: number | bigint, what: string): bigint {
  const bytes = u64(value, what);
  if (bytes === 0n) throw wrong(`${what} must not be 0`);
  return bytes;
}

/** From 0 to below `end`. */
export function indexBelow(value: number, end: number, what: string): number {
  if (!Number.isInteger(value) || value < 0 || value >= end)
    throw wrong(`${what} must be ${end === 1 ? '0' : `from 0 to ${end - 1}`}, not ${String(value)}`);
  return value;
}

export function width(value: number): AccessWidth {
  if (value !== 1 && value !== 2 && value !== 4 && value !== 8)
    throw wrong(`an access has 1, 2, 4 or 8 bytes, not ${String(value)}`);
  return value;
}

/** One access, or a row of them, inside of `limit` bytes: where it begins. */
export function accessAt(
  offset: number | bigint,
  bytes: number,
  unit: AccessWidth,
  limit: bigint,
  of: string,
): bigint {
  const at = u64(offset, 'an offset');
  if (at % BigInt(unit) !== 0n || bytes % unit !== 0)
    throw wrong(`${of}: an access of ${unit} bytes at 0x${at.toString(16)} is not aligned`);
  if (at + BigInt(bytes) > limit)
    throw wrong(`${of}: 0x${at.toString(16)} + ${bytes} bytes is beyond its end, 0x${limit.toString(16)}`);
  return at;
}

/** What is written, in the type of the width: a bigint for 8 bytes, else a number; never cut off. */
export function accessValue(value: number | bigint, unit: AccessWidth): number | bigint {
  const whole = u64(value, 'a value');
  if (whole >= 1n << BigInt(unit * 8))
    throw wrong(`0x${whole.toString(16)} does not fit into ${unit} byte${unit === 1 ? '' : 's'}`);
  return unit === 8 ? whole : Number(whole);
}

/** The widest access that both are multiples of. */
export function widestFor(offset: bigint, bytes: number): AccessWidth {
  const both = offset | BigInt(bytes);
  if (both % 8n === 0n) return 8;
  if (both % 4n === 0n) return 4;
  return both % 2n === 0n ? 2 : 1;
}
