import type { AccessWidth } from './arguments.js';

export function toBytes(value: number | bigint, unit: AccessWidth): Uint8Array {
  const bytes = new Uint8Array(8);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(value), true);
  return bytes.subarray(0, unit);
}

/** A bigint of 8 bytes. */
export function fromBytes(bytes: Uint8Array): number | bigint {
  const padded = new Uint8Array(8);
  padded.set(bytes);
  const value = new DataView(padded.buffer).getBigUint64(0, true);
  return bytes.length === 8 ? value : Number(value);
}
