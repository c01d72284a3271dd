import type { Verdict } from '../policy/index.js';
import { scratch, scratchView } from './scratch.js';
import { Texts } from './texts.js';
import type { TransferRecord } from './transfer.js';

/** A transfer as a packet's data: docs/capture.md has the table. Everything is little-endian, whatever the file around it is. */

/** 'BPMP' as a little-endian number. */
export const MAGIC = 0x504d5042;
const VERSION = 1;
export const HEADER_SIZE = 48;

const HIDDEN = 1;
const OBSERVED = 2;

/** Beyond, a name or a rule's text is cut: Wireshark takes no packet above 262,144 bytes, and this leaves room for both. */
const LONGEST_TEXT = 16_384;
const MOST_BYTES = 0xffff;

const verdicts: readonly Verdict[] = ['allow', 'deny', 'absorb', 'malformed'];
const verdictNumbers: Readonly<Record<Verdict, number>> = { allow: 0, deny: 1, absorb: 2, malformed: 3 };

const TWO_32 = 2 ** 32;

/** Names and rules come from a few, again and again. */
const texts = new Texts(LONGEST_TEXT);

/** Throws a RangeError where the request or the answer is longer than the format has room for. */
export function packetSize({ vm, rule, tx, rx }: TransferRecord): number {
  if (tx.length > MOST_BYTES || rx.length > MOST_BYTES)
    throw new RangeError(`a transfer of ${Math.max(tx.length, rx.length)} bytes: ${MOST_BYTES} at most`);
  return HEADER_SIZE + texts.bytesOf(vm).length + texts.bytesOf(rule).length + tx.length + rx.length;
}

/** The transfer as a packet's data; its time is the block's. */
export function encodeTransfer(record: TransferRecord): Uint8Array {
  packetSize(record);
  return scratch.slice(0, writePacket(record, scratch, scratchView, 0));
}

/** @param view - of the same memory as `bytes`; returns where the packet's data ends */
export function writePacket(record: TransferRecord, bytes: Uint8Array, view: DataView, at: number): number {
  const { sequence, latencyNs, tx, rx } = record;
  const vm = texts.bytesOf(record.vm);
  const rule = texts.bytesOf(record.rule);
  view.setUint32(at, MAGIC, true);
  view.setUint8(at + 4, VERSION);
  view.setUint8(at + 5, verdictNumbers[record.verdict]);
  view.setUint16(at + 6, (record.hidden ? HIDDEN : 0) | (record.observed ? OBSERVED : 0), true);
  view.setUint32(at + 8, record.mrq, true);
  view.setInt32(at + 12, record.ret, true);
  view.setUint32(at + 16, sequence >>> 0, true);
  view.setUint32(at + 20, sequence / TWO_32, true);
  view.setUint32(at + 24, latencyNs >>> 0, true);
  view.setUint32(at + 28, latencyNs / TWO_32, true);
  view.setUint32(at + 32, record.thread ?? 0, true);
  view.setUint16(at + 36, tx.length, true);
  view.setUint16(at + 38, rx.length, true);
  view.setUint16(at + 40, vm.length, true);
  view.setUint16(at + 42, rule.length, true);
  view.setUint16(at + 44, HEADER_SIZE, true);
  view.setUint16(at + 46, 0, true);
  let end = at + HEADER_SIZE;
  end = put(bytes, vm, end);
  end = put(bytes, rule, end);
  end = put(bytes, tx, end);
  return put(bytes, rx, end);
}

/** The transfer, or why this is none; `timeNs` is the block's. */
export function decodeTransfer(bytes: Uint8Array, timeNs = 0n): TransferRecord | string {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  return readPacket(bytes, view, 0, bytes.length, timeNs);
}

export function readPacket(
  bytes: Uint8Array,
  view: DataView,
  at: number,
  end: number,
  timeNs: bigint,
): TransferRecord | string {
  const size = end - at;
  if (size < 5 || view.getUint32(at, true) !== MAGIC) return 'it does not begin with "BPMP"';
  const version = view.getUint8(at + 4);
  if (version !== VERSION) return `version ${version} of the record, which this gpuvm does not know`;
  if (size < HEADER_SIZE) return `${size} bytes, of the header's ${HEADER_SIZE}`;
  const verdict = verdicts[view.getUint8(at + 5)];
  if (verdict === undefined) return `verdict ${view.getUint8(at + 5)}, of which there is none`;
  const txSize = view.getUint16(at + 36, true);
  const rxSize = view.getUint16(at + 38, true);
  const vmSize = view.getUint16(at + 40, true);
  const ruleSize = view.getUint16(at + 42, true);
  const headerSize = view.getUint16(at + 44, true);
  if (headerSize < HEADER_SIZE) return `a header of ${headerSize} bytes: ${HEADER_SIZE} at least`;
  if (headerSize + vmSize + ruleSize + txSize + rxSize !== size)
    return `${size} bytes, but its lengths make ${headerSize + vmSize + ruleSize + txSize + rxSize}`;
  const sequence = view.getUint32(at + 16, true) + view.getUint32(at + 20, true) * TWO_32;
  const latencyNs = view.getUint32(at + 24, true) + view.getUint32(at + 28, true) * TWO_32;
  if (!Number.isSafeInteger(sequence)) return `sequence ${view.getBigUint64(at + 16, true)} is too large`;
  if (!Number.isSafeInteger(latencyNs))
    return `a latency of ${view.getBigUint64(at + 24, true)} ns is too large`;
  const flags = view.getUint16(at + 6, true);
  const rule = at + headerSize + vmSize;
  const tx = rule + ruleSize;
  // Every record has the same keys, so that what reads a million of them stays quick.
  return {
    sequence,
    vm: texts.read(bytes, rule - vmSize, rule),
    timeNs,
    mrq: view.getUint32(at + 8, true),
    tx: copy(bytes, tx, tx + txSize),
    verdict,
    hidden: (flags & HIDDEN) !== 0 || undefined,
    observed: (flags & OBSERVED) !== 0 || undefined,
    rule: texts.read(bytes, rule, tx),
    ret: view.getInt32(at + 12, true),
    rx: copy(bytes, tx + txSize, end),
    latencyNs,
    thread: view.getUint32(at + 32, true) || undefined,
  };
}

const EMPTY = new Uint8Array(0);

/** A short array is faster filled by hand than by the call for long ones. */
const SHORT = 64;

function copy(bytes: Uint8Array, start: number, end: number): Uint8Array {
  const size = end - start;
  if (size === 0) return EMPTY;
  const own = new Uint8Array(size);
  if (size > SHORT) own.set(bytes.subarray(start, end));
  else for (let index = 0; index < size; index++) own[index] = bytes[start + index];
  return own;
}

function put(bytes: Uint8Array, part: Uint8Array, at: number): number {
  const { length } = part;
  if (length > SHORT) bytes.set(part, at);
  else for (let index = 0; index < length; index++) bytes[at + index] = part[index];
  return at + length;
}
