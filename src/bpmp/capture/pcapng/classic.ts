import { LINK_TYPE } from './numbers.js';
import type { Format, Packet, Report } from './packet.js';
import { foreignPacket } from './section.js';
import type { Window } from './window.js';

/** How a classic pcap begins, in its own byte order: with times in µs or in ns. */
const MICROSECONDS = 0xa1b2c3d4;
const NANOSECONDS = 0xa1b23c4d;
/** Of the file, and of each packet. */
export const FILE_HEADER = 24;
const PACKET_HEADER = 16;
/** No program takes longer packets; a length beyond is damage. */
const LONGEST_PACKET = 262_144;

export interface ClassicOrder {
  readonly little: boolean;
  readonly nsPerUnit: bigint;
}

export function classicOrder(view: DataView, at: number): ClassicOrder | undefined {
  for (const little of [true, false]) {
    const magic = view.getUint32(at, little);
    if (magic === MICROSECONDS) return { little, nsPerUnit: 1000n };
    if (magic === NANOSECONDS) return { little, nsPerUnit: 1n };
  }
  return undefined;
}

/** Packets from the pcap of before pcapng, as `editcap -F pcap` writes it: no names, no counts of what was lost. */
export class Classic implements Format {
  readonly #window: Window;
  readonly #packet: Packet;
  readonly #report: Report;
  readonly #order: ClassicOrder;
  readonly #linkType: number;
  #isLost = false;

  /** The window is at the file's header, which is there. */
  constructor(window: Window, packet: Packet, report: Report, order: ClassicOrder) {
    this.#window = window;
    this.#packet = packet;
    this.#report = report;
    this.#order = order;
    // Above it are bits about checksums.
    this.#linkType = window.view.getUint32(window.at + 20, order.little) & 0xffff;
    window.at += FILE_HEADER;
  }

  next(): boolean {
    const window = this.#window;
    const packet = this.#packet;
    const { little, nsPerUnit } = this.#order;
    for (;;) {
      if (this.#isLost) window.at = window.end;
      const { at, view, offset } = window;
      if (window.left < PACKET_HEADER) return false;
      const captured = view.getUint32(at + 8, little);
      if (captured > LONGEST_PACKET) {
        const what = `a packet of ${captured} bytes, at byte ${offset}, which none can have`;
        this.#report('damaged', `${what}: a pcap cannot be read on behind such a place`, offset);
        this.#isLost = true;
        continue;
      }
      if (window.left < PACKET_HEADER + captured) return false;
      window.at += PACKET_HEADER + captured;
      if (this.#linkType !== LINK_TYPE) {
        this.#report('foreign', foreignPacket(this.#linkType, offset), offset);
        continue;
      }
      packet.offset = offset;
      packet.start = at + PACKET_HEADER;
      packet.end = packet.start + captured;
      packet.originalLength = view.getUint32(at + 12, little);
      packet.dropped = 0;
      packet.timeNs =
        BigInt(view.getUint32(at, little)) * 1_000_000_000n +
        BigInt(view.getUint32(at + 4, little)) * nsPerUnit;
      return true;
    }
  }

  finish(): void {
    const { offset, left } = this.#window;
    if (this.#isLost || left === 0) return;
    this.#report(
      'cut',
      `it ends at byte ${offset + left}, in the middle of the packet at byte ${offset}`,
      offset,
    );
  }
}
