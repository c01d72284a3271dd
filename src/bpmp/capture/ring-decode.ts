import { readPacket } from './packet.js';
import { BlockType, LEAST_BLOCK, PACKET_HEADER } from './pcapng/numbers.js';
import type { TransferRecord } from './transfer.js';

/** The transfers in blocks that a ring's reader gave; all of them, or the last so many. */
export function transfersIn(blocks: Uint8Array, most = Number.POSITIVE_INFINITY): TransferRecord[] {
  const view = new DataView(blocks.buffer, blocks.byteOffset, blocks.length);
  const starts: number[] = [];
  for (let at = 0; at + PACKET_HEADER < blocks.length; ) {
    if (view.getUint32(at, true) === BlockType.ENHANCED_PACKET) starts.push(at);
    at += Math.max(LEAST_BLOCK, view.getUint32(at + 4, true));
  }
  const wanted = most < starts.length ? starts.slice(starts.length - most) : starts;
  return wanted.flatMap((at) => {
    const timeNs = (BigInt(view.getUint32(at + 12, true)) << 32n) | BigInt(view.getUint32(at + 16, true));
    const begin = at + PACKET_HEADER;
    const end = begin + view.getUint32(at + 20, true);
    if (end > blocks.length) return [];
    const record = readPacket(blocks, view, begin, end, timeNs);
    return typeof record === 'string' ? [] : [record];
  });
}
