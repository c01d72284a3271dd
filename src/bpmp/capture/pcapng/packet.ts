/** A packet as it lies in its stream: one object for all of a reader's, filled anew for each. */
export class Packet {
  /** Its data is from `start` to `end` of the reader's bytes. */
  start = 0;
  end = 0;
  /** As long as it was before it was cut to what the interface takes. */
  originalLength = 0;
  timeNs = 0n;
  /** Packets that the capture says were lost before this one. */
  dropped = 0;
  /** Of the packet's block in the stream. */
  offset = 0;
}

/** Tells of what was passed over. */
export type Report = (kind: 'cut' | 'foreign' | 'damaged', message: string, offset: number) => void;

/** A format that a stream may be of. */
export interface Format {
  /** True when a packet was found; false when more bytes are needed for one. */
  next(): boolean;
  /** No more bytes will come; `next` may find packets all the same. */
  finish(): void;
}
