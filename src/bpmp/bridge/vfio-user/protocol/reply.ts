import type { Frame } from './frame.js';
import { HEADER_SIZE, HeaderFlag, MAX_FRAME } from './numbers.js';

/** The reply under construction; one per connection, written over by the next one. */
export class Reply {
  readonly bytes = new Uint8Array(MAX_FRAME);
  readonly #view = new DataView(this.bytes.buffer);
  /** Bytes to send, with the header; 0 where the request wants no reply. */
  size = 0;
  /** A descriptor to pass along, -1 for none; it stays its owner's. */
  fd = -1;

  /** Starts a reply to `frame` with `payloadSize` bytes after the header, whose contents are the caller's to set. */
  begin(frame: Frame, payloadSize: number): void {
    this.#header(frame, HEADER_SIZE + payloadSize, HeaderFlag.REPLY, 0);
  }

  /** An error reply is the header alone. */
  error(frame: Frame, errno: number): void {
    this.#header(frame, HEADER_SIZE, HeaderFlag.REPLY | HeaderFlag.ERROR, errno);
  }

  #header(frame: Frame, size: number, flags: number, errno: number): void {
    this.size = size;
    this.fd = -1;
    this.u16(0, frame.id);
    this.u16(2, frame.command);
    this.u32(4, size);
    this.u32(8, flags);
    this.u32(12, errno);
  }

  u16(position: number, value: number): void {
    this.#view.setUint16(position, value, true);
  }
  u32(position: number, value: number): void {
    this.#view.setUint32(position, value, true);
  }
  /** Takes a safe integer. */
  u64(position: number, value: number): void {
    this.u32(position, value % 0x1_0000_0000);
    this.u32(position + 4, Math.floor(value / 0x1_0000_0000));
  }
}
