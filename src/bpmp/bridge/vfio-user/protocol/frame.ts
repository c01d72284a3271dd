import { HEADER_SIZE, HeaderFlag } from './numbers.js';

/**
 * One request as it lies in the receive buffer. There is one such object per connection, moved from frame to frame,
 * so that a message costs no allocation; positions are relative to the frame's start.
 */
export class Frame {
  readonly #view: DataView;
  /** Where the frame starts in the buffer. */
  at = 0;
  /** Bytes, with the header. */
  size = 0;
  /** Descriptors that came with it. A handler that keeps one takes it out; the rest are closed afterwards. */
  fds: number[] = [];

  constructor(readonly bytes: Uint8Array) {
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  get id(): number {
    return this.u16(0);
  }
  get command(): number {
    return this.u16(2);
  }
  get flags(): number {
    return this.u32(8);
  }
  get isRequest(): boolean {
    return (this.flags & HeaderFlag.TYPE_MASK) === 0;
  }
  get wantsReply(): boolean {
    return (this.flags & HeaderFlag.NO_REPLY) === 0;
  }
  /** Bytes after the header. */
  get payloadSize(): number {
    return this.size - HEADER_SIZE;
  }

  u16(position: number): number {
    return this.#view.getUint16(this.at + position, true);
  }
  u32(position: number): number {
    return this.#view.getUint32(this.at + position, true);
  }
  /** A u64 that must be exact as a number: Infinity where it is 2^53 or more, which no bound admits. */
  u64(position: number): number {
    const high = this.u32(position + 4);
    return high >= 0x200000 ? Number.POSITIVE_INFINITY : high * 0x1_0000_0000 + this.u32(position);
  }
  /** A view of part of the frame; valid while the frame is handled. */
  part(position: number, length: number): Uint8Array {
    return this.bytes.subarray(this.at + position, this.at + position + length);
  }
}
