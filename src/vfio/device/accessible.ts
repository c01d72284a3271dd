import type { AccessWidth } from './arguments.js';

/** Offsets are in bytes from the start; a number will do where it is a safe integer. */
export type Offset = number | bigint;

/**
 * Something that is read and written in accesses of exactly 1, 2, 4 or 8 bytes, little-endian, in the order of the calls
 * and none of them left out. A wrong offset or value throws GPUVM_USAGE, a device that does not answer GPUVM_VFIO.
 */
export interface Accessible {
  read(offset: Offset, width: 1 | 2 | 4): number;
  read(offset: Offset, width: 8): bigint;
  /** 8 bytes take a bigint or a number, the others a number. */
  write(offset: Offset, width: AccessWidth, value: number | bigint): void;
  /** Many bytes, in accesses of one width. */
  readBytes(offset: Offset, lengthBytes: number, width?: AccessWidth): Uint8Array;
  writeBytes(offset: Offset, bytes: Uint8Array, width?: AccessWidth): void;
}
