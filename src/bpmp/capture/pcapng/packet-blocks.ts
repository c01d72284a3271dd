import { BlockType, OptionCode, PACKET_HEADER } from './numbers.js';
import type { Packet, Report } from './packet.js';
import type { Section } from './section.js';

/** What is before the data of an enhanced packet, without its type and length. */
const FIELDS = PACKET_HEADER - 8;

/**
 * Fills `packet` from a packet block's body, `start` to `end`; false where it is none for us, which was reported then.
 * `packet.offset` is set.
 */
export function readPacketBlock(
  type: number,
  view: DataView,
  start: number,
  end: number,
  section: Section,
  packet: Packet,
  report: Report,
): boolean {
  const { little } = section;
  const isSimple = type === BlockType.SIMPLE_PACKET;
  const fields = isSimple ? 4 : FIELDS;
  if (end - start < fields) return damaged(packet, 'lacks its fields', report);
  const isObsolete = type === BlockType.OBSOLETE_PACKET;
  const index = isSimple ? 0 : isObsolete ? view.getUint16(start, little) : view.getUint32(start, little);
  const from = section.interfaceOf(index, packet.offset, report);
  if (from === undefined) return false;
  const original = view.getUint32(start + fields - 4, little);
  const captured = isSimple
    ? Math.min(from.snapLength || original, original)
    : view.getUint32(start + fields - 8, little);
  if (captured > end - start - fields)
    return damaged(packet, `of ${captured} bytes is longer than its block`, report);
  packet.start = start + fields;
  packet.end = packet.start + captured;
  packet.originalLength = original;
  packet.dropped = 0;
  packet.timeNs = isSimple
    ? 0n
    : from.timeNs(view.getUint32(start + 4, little), view.getUint32(start + 8, little));
  if (isSimple) return true;
  if (isObsolete) {
    const dropped = view.getUint16(start + 2, little);
    // All ones: unknown.
    if (dropped !== 0xffff) packet.dropped = dropped;
  } else readOptions(view, packet.end + (-captured & 3), end, little, packet, report);
  return true;
}

/** Not by `forEachOption`: a call for each option of each packet is most of the time that this takes. */
function readOptions(
  view: DataView,
  start: number,
  end: number,
  little: boolean,
  packet: Packet,
  report: Report,
): void {
  for (let at = start; at + 4 <= end; ) {
    const code = view.getUint16(at, little);
    if (code === OptionCode.END) return;
    const length = view.getUint16(at + 2, little);
    if (length > end - at - 4) {
      damaged(packet, 'has options that do not add up', report);
      return;
    }
    if (code === OptionCode.PACKET_DROPPED && length === 8)
      packet.dropped = Number(view.getBigUint64(at + 4, little));
    at += 4 + ((length + 3) & ~3);
  }
}

function damaged({ offset }: Packet, what: string, report: Report): false {
  report('damaged', `the packet at byte ${offset} ${what}`, offset);
  return false;
}
