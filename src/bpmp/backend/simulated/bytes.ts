/** What one frame of the BPMP's mailbox carries either way (`MSG_DATA_MIN_SZ`), in bytes. */
export const FRAME_SIZE = 120;

/** Little-endian reads; the caller has checked the length. */
export function u16(bytes: Uint8Array, at: number): number {
  return bytes[at]! | (bytes[at + 1]! << 8);
}

export function u32(bytes: Uint8Array, at: number): number {
  return i32(bytes, at) >>> 0;
}

export function i32(bytes: Uint8Array, at: number): number {
  return bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24);
}

/** An s64 as a number: exact to 2^53, and beyond that close enough to be clamped. */
export function i64(bytes: Uint8Array, at: number): number {
  return i32(bytes, at + 4) * 0x1_0000_0000 + u32(bytes, at);
}

/** The reply of the request in hand: one buffer for all requests, so that answering allocates nothing. */
export class Reply {
  readonly bytes = new Uint8Array(FRAME_SIZE);
  /** How many bytes of `bytes` are the reply. */
  size = 0;

  u8(value: number): void {
    this.bytes[this.size++] = value;
  }

  u16(value: number): void {
    this.u8(value & 0xff);
    this.u8((value >>> 8) & 0xff);
  }

  u32(value: number): void {
    const { bytes, size } = this;
    bytes[size] = value;
    bytes[size + 1] = value >>> 8;
    bytes[size + 2] = value >>> 16;
    bytes[size + 3] = value >>> 24;
    this.size = size + 4;
  }

  /** A whole number from 0 to 2^53. */
  u64(value: number): void {
    this.u32(value % 0x1_0000_0000);
    this.u32(Math.floor(value / 0x1_0000_0000));
  }

  /** Copies by hand: for a hundred bytes that is quicker than making a view to copy from. */
  copy(from: Uint8Array, start: number, length: number): void {
    const { bytes, size } = this;
    for (let index = 0; index < length; index++) bytes[size + index] = from[start + index]!;
    this.size = size + length;
  }

  zeros(length: number): void {
    this.bytes.fill(0, this.size, this.size + length);
    this.size += length;
  }
}

/** One MRQ's part of the firmware: reads the request, writes `reply`, returns 0 or a negative `BPMP_E…`. */
export type Handler = (tx: Uint8Array, reply: Reply) => number;
