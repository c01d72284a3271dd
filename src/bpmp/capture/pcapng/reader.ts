import type { Notice } from '../notice.js';
import { type Interface, readInterface } from './interface.js';
import { BlockType, BYTE_ORDER_MAGIC, LEAST_BLOCK, LINK_TYPE, OptionCode, PACKET_HEADER } from './numbers.js';
import { Window } from './window.js';

/** Of larger blocks none is ever held in memory. */
const LARGEST_HELD = 1 << 20;
/** A length beyond is taken for damage, as Wireshark does, and not for a block. */
const LARGEST_BLOCK = 16 << 20;
/** No file has so many; one that claims them is not to fill the memory. */
const MOST_INTERFACES = 4096;

type Report = (kind: Notice['kind'], message: string, offset: number) => void;

/**
 * The packets of our link type in a stream of pcapng blocks, one after another: `add` bytes, then `next` until it is
 * false, then add more. What it has found stands in the fields until the next call; nothing is made for each packet.
 */
export class PacketReader {
  /** The packet's data is `bytes` from `start` to `end`. */
  get bytes(): Uint8Array {
    return this.#window.bytes;
  }
  get view(): DataView {
    return this.#window.view;
  }
  start = 0;
  end = 0;
  /** As long as it was before it was cut to what the interface takes. */
  originalLength = 0;
  timeNs = 0n;
  /** Packets that the capture says were lost before this one. */
  dropped = 0;
  /** Of the packet's block in the stream. */
  offset = 0;
  /** Why this is no capture at all: nothing comes of it. */
  refusal: string | undefined;

  readonly #window = new Window();
  readonly #report: Report;
  #little = true;
  #interfaces: Interface[] = [];
  #isBegun = false;
  #isLost = false;
  /** Bytes of a block too large to be held that are still to come. */
  #passing = 0;

  constructor(report: Report) {
    this.#report = report;
  }

  add(chunk: Uint8Array): void {
    this.#window.add(chunk);
  }

  /** No more will come: what is left is a part of a block. */
  finish(): void {
    const { offset, left } = this.#window;
    if (this.refusal !== undefined || this.#isLost) return;
    if (!this.#isBegun) this.#report('cut', left === 0 ? 'it is empty' : 'it ends in its first block', 0);
    else if (this.#passing > 0 || left > 0)
      this.#report(
        'cut',
        `it ends at byte ${offset + left}, in the middle of the block at ${offset}`,
        offset,
      );
  }

  /** True when a packet was found; false when more bytes are needed for one. */
  next(): boolean {
    const window = this.#window;
    while (this.refusal === undefined) {
      if (this.#isLost) window.at = window.end;
      if (this.#passing > 0) this.#pass();
      if (window.left < LEAST_BLOCK) return false;
      const { at, view } = window;
      const type = view.getUint32(at, true);
      if (type === BlockType.SECTION) {
        if (!this.#orderOf(at)) continue;
      } else if (!this.#isBegun) {
        this.refusal = 'it begins neither as pcapng nor as pcap';
        return false;
      }
      const length = view.getUint32(at + 4, this.#little);
      if (length % 4 !== 0 || length < LEAST_BLOCK || length > LARGEST_BLOCK) {
        this.#lose(`a block of ${length} bytes, which none can have`);
        continue;
      }
      if (length > LARGEST_HELD) {
        this.#report('foreign', `a block of ${length} bytes was passed over`, window.offset);
        this.#passing = length;
        continue;
      }
      if (window.left < length) return false;
      if (view.getUint32(at + length - 4, this.#little) !== length) {
        const last = view.getUint32(at + length - 4, this.#little);
        this.#lose(`a block of ${length} bytes that ends as one of ${last}`);
        continue;
      }
      this.offset = window.offset;
      window.at += length;
      if (this.#take(this.#little ? type : swap(type), at + 8, at + length - 4)) return true;
    }
    return false;
  }

  /** True where the block at hand is a packet for us. */
  #take(type: number, start: number, end: number): boolean {
    switch (type) {
      case BlockType.ENHANCED_PACKET:
        return this.#enhanced(start, end);
      case BlockType.SIMPLE_PACKET:
        return this.#simple(start, end);
      case BlockType.OBSOLETE_PACKET:
        return this.#obsolete(start, end);
      case BlockType.SECTION:
        this.#isBegun = true;
        this.#interfaces = [];
        return false;
      case BlockType.INTERFACE:
        this.#interface(start, end);
        return false;
      case BlockType.STATISTICS:
        return false;
      default:
        if (!known.has(type)) this.#report('foreign', `a block of type ${type} was passed over`, this.offset);
        return false;
    }
  }

  #interface(start: number, end: number): void {
    const found = readInterface(this.view, start, end, this.#little);
    if (typeof found === 'string') this.#report('damaged', found, this.offset);
    else if (this.#interfaces.length >= MOST_INTERFACES)
      this.#report('damaged', `more than ${MOST_INTERFACES} interfaces`, this.offset);
    if (this.#interfaces.length < MOST_INTERFACES)
      this.#interfaces.push(typeof found === 'string' ? unreadable : found);
  }

  #enhanced(start: number, end: number): boolean {
    const { view } = this;
    const little = this.#little;
    if (end - start < PACKET_HEADER - 8) return this.#damaged('a packet block without its fields');
    const from = this.#interfaceOf(view.getUint32(start, little));
    if (from === undefined) return false;
    const captured = view.getUint32(start + 12, little);
    if (captured > end - start - 20) return this.#damaged(`a packet of ${captured} bytes in a shorter block`);
    this.start = start + 20;
    this.end = this.start + captured;
    this.originalLength = view.getUint32(start + 16, little);
    this.timeNs = from.timeNs(view.getUint32(start + 4, little), view.getUint32(start + 8, little));
    this.dropped = 0;
    this.#options(this.end + (-captured & 3), end);
    return true;
  }

  #simple(start: number, end: number): boolean {
    const { view } = this;
    if (end - start < 4) return this.#damaged('a packet block without its fields');
    const from = this.#interfaceOf(0);
    if (from === undefined) return false;
    this.originalLength = view.getUint32(start, this.#little);
    const captured =
      from.snapLength === 0 ? this.originalLength : Math.min(from.snapLength, this.originalLength);
    if (captured > end - start - 4) return this.#damaged(`a packet of ${captured} bytes in a shorter block`);
    this.start = start + 4;
    this.end = this.start + captured;
    this.timeNs = 0n;
    this.dropped = 0;
    return true;
  }

  #obsolete(start: number, end: number): boolean {
    const { view } = this;
    const little = this.#little;
    if (end - start < PACKET_HEADER - 8) return this.#damaged('a packet block without its fields');
    const from = this.#interfaceOf(view.getUint16(start, little));
    if (from === undefined) return false;
    const captured = view.getUint32(start + 12, little);
    if (captured > end - start - 20) return this.#damaged(`a packet of ${captured} bytes in a shorter block`);
    const dropped = view.getUint16(start + 2, little);
    this.start = start + 20;
    this.end = this.start + captured;
    this.originalLength = view.getUint32(start + 16, little);
    this.timeNs = from.timeNs(view.getUint32(start + 4, little), view.getUint32(start + 8, little));
    // All ones: unknown.
    this.dropped = dropped === 0xffff ? 0 : dropped;
    return true;
  }

  #options(start: number, end: number): void {
    const { view } = this;
    const little = this.#little;
    for (let at = start; at < end; ) {
      const code = end - at < 4 ? -1 : view.getUint16(at, little);
      if (code === OptionCode.END) return;
      const length = code < 0 ? end : view.getUint16(at + 2, little);
      if (length > end - at - 4) {
        this.#report('damaged', 'a packet whose options do not add up', this.offset);
        return;
      }
      if (code === OptionCode.PACKET_DROPPED && length === 8)
        this.dropped = Number(view.getBigUint64(at + 4, little));
      at += 4 + ((length + 3) & ~3);
    }
  }

  #interfaceOf(index: number): Interface | undefined {
    const found = this.#interfaces[index];
    if (found?.linkType === LINK_TYPE) return found;
    if (found === undefined)
      this.#report('damaged', `a packet of interface ${index}, which is not described`, this.offset);
    else if (found !== unreadable)
      this.#report('foreign', `a packet of link type ${found.linkType}: ours is ${LINK_TYPE}`, this.offset);
    return undefined;
  }

  #damaged(message: string): false {
    this.#report('damaged', message, this.offset);
    return false;
  }

  /** Takes the byte order of the section that begins here. */
  #orderOf(at: number): boolean {
    const { view } = this;
    const magic = view.getUint32(at + 8, true);
    if (magic !== BYTE_ORDER_MAGIC && swap(magic) !== BYTE_ORDER_MAGIC) {
      if (this.#isBegun) this.#lose('a section without its byte order');
      else this.refusal = 'it begins as pcapng, but without a byte order';
      return false;
    }
    this.#little = magic === BYTE_ORDER_MAGIC;
    return true;
  }

  #lose(message: string): void {
    this.#report(
      'damaged',
      `${message}, at byte ${this.#window.offset}: what follows is not read`,
      this.#window.offset,
    );
    this.#isLost = true;
  }

  #pass(): void {
    const passed = Math.min(this.#passing, this.#window.left);
    this.#window.at += passed;
    this.#passing -= passed;
  }
}

/** Whose description could not be read; its packets are passed over without another word. */
const unreadable: Interface = { linkType: -1, snapLength: 0, timeNs: () => 0n };

/** Names, journal entries, secrets, custom blocks: they belong to the format, and are nothing to us. */
const known = new Set([4, 9, 10, 0xbad, 0x4000_0bad]);

function swap(word: number): number {
  return ((word >>> 24) | ((word >>> 8) & 0xff00) | ((word & 0xff00) << 8) | ((word & 0xff) << 24)) >>> 0;
}
