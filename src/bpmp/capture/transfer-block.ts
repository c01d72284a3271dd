import { packetSize, writePacket } from './packet.js';
import { BlockType, INBOUND, OptionCode, PACKET_HEADER } from './pcapng/numbers.js';
import { optionSize, padded } from './pcapng/write.js';
import { scratch, scratchView } from './scratch.js';
import type { TransferRecord } from './transfer.js';

export interface BlockExtras {
  /** The interface's number in its section: one for each VM, in the order of their descriptions. */
  readonly interface?: number;
  /** Transfers that were lost between the record before and this one. */
  readonly dropped?: number;
  /** For people, who see it in Wireshark beside the packet. */
  readonly comment?: string;
}

/** Flags (4 bytes) and number (8) of the packet, the options' end, and the block's length once more. */
const TAIL = optionSize(4) + optionSize(8) + 4 + 4;
const TWO_32 = 2 ** 32;
const MOST_IN_COMMENT = 0xffff;

const encoder = new TextEncoder();
const split = new DataView(new ArrayBuffer(8));

export function transferBlockSize(record: TransferRecord, { dropped, comment }: BlockExtras = {}): number {
  return blockSize(packetSize(record), dropped, comment ? inComment(comment) : undefined);
}

function blockSize(inPacket: number, dropped: number | undefined, comment: Uint8Array | undefined): number {
  const inOptions = (dropped ? optionSize(8) : 0) + (comment ? optionSize(comment.length) : 0);
  return PACKET_HEADER + padded(inPacket) + inOptions + TAIL;
}

function inComment(text: string): Uint8Array {
  return encoder.encode(text).subarray(0, MOST_IN_COMMENT);
}

/** The transfer as an enhanced packet block, ready to be put behind others of its section. */
export function transferBlock(record: TransferRecord, extras: BlockExtras = {}): Uint8Array {
  const comment = extras.comment ? inComment(extras.comment) : undefined;
  const inPacket = packetSize(record);
  const size = blockSize(inPacket, extras.dropped, comment);
  const bytes = scratch;
  const view = scratchView;
  view.setUint32(0, BlockType.ENHANCED_PACKET, true);
  view.setUint32(4, size, true);
  view.setUint32(8, extras.interface ?? 0, true);
  split.setBigUint64(0, record.timeNs);
  view.setUint32(12, split.getUint32(0), true);
  view.setUint32(16, split.getUint32(4), true);
  view.setUint32(20, inPacket, true);
  view.setUint32(24, inPacket, true);
  writePacket(record, bytes, view, PACKET_HEADER);
  let at = fill(bytes, PACKET_HEADER + inPacket);
  at = head(view, at, OptionCode.PACKET_FLAGS, 4);
  view.setUint32(at, INBOUND, true);
  at = head(view, at + 4, OptionCode.PACKET_ID, 8);
  at = put64(view, at, record.sequence);
  if (extras.dropped) {
    at = head(view, at, OptionCode.PACKET_DROPPED, 8);
    at = put64(view, at, extras.dropped);
  }
  if (comment) {
    at = head(view, at, OptionCode.COMMENT, comment.length);
    bytes.set(comment, at);
    at = fill(bytes, at + comment.length);
  }
  at = head(view, at, OptionCode.END, 0);
  view.setUint32(at, size, true);
  return bytes.slice(0, size);
}

/** Zeros up to the next whole word. */
function fill(bytes: Uint8Array, at: number): number {
  const end = padded(at);
  bytes.fill(0, at, end);
  return end;
}

function head(view: DataView, at: number, code: number, length: number): number {
  view.setUint16(at, code, true);
  view.setUint16(at + 2, length, true);
  return at + 4;
}

function put64(view: DataView, at: number, value: number): number {
  view.setUint32(at, value >>> 0, true);
  view.setUint32(at + 4, value / TWO_32, true);
  return at + 8;
}
