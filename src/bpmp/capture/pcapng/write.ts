import { BlockType, BYTE_ORDER_MAGIC, LEAST_BLOCK, OptionCode } from './numbers.js';

/** Blocks as this project writes them: little-endian. Packets are made in place, by `transferBlock`; these are the others. */

export interface Option {
  readonly code: number;
  readonly value: Uint8Array;
}

const encoder = new TextEncoder();
const MOST_IN_OPTION = 0xffff;
const UNKNOWN_LENGTH = 0xffff_ffff_ffff_ffffn;
const NANOSECONDS = 9;

export interface SectionText {
  readonly program: string;
  readonly hardware?: string;
  readonly os?: string;
}

export function sectionHeader({ program, hardware, os }: SectionText): Uint8Array {
  const head = new Uint8Array(16);
  const view = new DataView(head.buffer);
  view.setUint32(0, BYTE_ORDER_MAGIC, true);
  view.setUint16(4, 1, true);
  view.setBigUint64(8, UNKNOWN_LENGTH, true);
  return block(BlockType.SECTION, head, [
    ...(hardware === undefined ? [] : [textOption(OptionCode.SECTION_HARDWARE, hardware)]),
    ...(os === undefined ? [] : [textOption(OptionCode.SECTION_OS, os)]),
    textOption(OptionCode.SECTION_PROGRAM, program),
  ]);
}

export interface InterfaceText {
  readonly name: string;
  readonly description?: string;
}

export function interfaceDescription(linkType: number, { name, description }: InterfaceText): Uint8Array {
  const head = new Uint8Array(8);
  new DataView(head.buffer).setUint16(0, linkType, true);
  return block(BlockType.INTERFACE, head, [
    textOption(OptionCode.INTERFACE_NAME, name),
    ...(description === undefined ? [] : [textOption(OptionCode.INTERFACE_DESCRIPTION, description)]),
    { code: OptionCode.INTERFACE_TIME_RESOLUTION, value: Uint8Array.of(NANOSECONDS) },
  ]);
}

/** Of a block of statistics: its fields and four options of eight bytes. */
export const STATISTICS_SIZE = LEAST_BLOCK + 12 + 4 * 12 + 4;

export interface Statistics {
  readonly interface: number;
  readonly startNs: bigint;
  readonly endNs: bigint;
  readonly received: number;
  readonly dropped: number;
}

export function interfaceStatistics(statistics: Statistics): Uint8Array {
  const head = new Uint8Array(12);
  new DataView(head.buffer).setUint32(0, statistics.interface, true);
  head.set(timestamp(statistics.endNs), 4);
  return block(BlockType.STATISTICS, head, [
    { code: OptionCode.STATISTICS_START, value: timestamp(statistics.startNs) },
    { code: OptionCode.STATISTICS_END, value: timestamp(statistics.endNs) },
    { code: OptionCode.STATISTICS_RECEIVED, value: count(statistics.received) },
    { code: OptionCode.STATISTICS_DROPPED, value: count(statistics.dropped) },
  ]);
}

/** A time is two words in pcapng, the upper one first, whatever the byte order. */
function timestamp(ns: bigint): Uint8Array {
  const bytes = new Uint8Array(8);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, Number(ns >> 32n), true);
  view.setUint32(4, Number(ns & 0xffff_ffffn), true);
  return bytes;
}

function count(value: number): Uint8Array {
  const bytes = new Uint8Array(8);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(value), true);
  return bytes;
}

export function textOption(code: number, text: string): Option {
  return { code, value: encoder.encode(text).subarray(0, MOST_IN_OPTION) };
}

/** What an option takes: its head, and its value up to the next whole word. */
export function optionSize(length: number): number {
  return 4 + padded(length);
}

export function padded(length: number): number {
  return (length + 3) & ~3;
}

export function block(type: number, head: Uint8Array, options: readonly Option[]): Uint8Array {
  const inOptions = options.reduce((sum, { value }) => sum + optionSize(value.length), 0);
  const size = LEAST_BLOCK + padded(head.length) + (options.length > 0 ? inOptions + 4 : 0);
  const bytes = new Uint8Array(size);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, type, true);
  view.setUint32(4, size, true);
  view.setUint32(size - 4, size, true);
  bytes.set(head, 8);
  let at = 8 + padded(head.length);
  for (const { code, value } of options) {
    view.setUint16(at, code, true);
    view.setUint16(at + 2, value.length, true);
    bytes.set(value, at + 4);
    at += optionSize(value.length);
  }
  return bytes;
}
