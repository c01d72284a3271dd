import { isLength, LARGEST_HELD, orderAt } from './frame.js';
import { BlockType, LEAST_BLOCK } from './numbers.js';
import type { Format, Packet, Report } from './packet.js';
import { readPacketBlock } from './packet-blocks.js';
import { type Ending, searchBlocks } from './search.js';
import { Section } from './section.js';
import type { Window } from './window.js';

/** Names, statistics, journal entries, secrets, custom blocks: they belong to the format, and are nothing to us. */
const known = new Set<number>([4, BlockType.STATISTICS, 9, 10, 0xbad, 0x4000_0bad]);
const packets = new Set<number>([
  BlockType.ENHANCED_PACKET,
  BlockType.SIMPLE_PACKET,
  BlockType.OBSOLETE_PACKET,
]);

/** Bytes that come before a search that found nothing is repeated: they may come one by one. */
const SEARCH_AFTER = 4096;

/** Packets from pcapng: block after block, of one section after another. */
export class Blocks implements Format {
  readonly #window: Window;
  readonly #packet: Packet;
  readonly #report: Report;
  #section = new Section(true);
  /** Where a damaged place began, behind which blocks are looked for. */
  #damage: number | undefined;
  /** As long as the stream has not come so far, looking is not worth its time. */
  #searchAt = 0;
  /** Bytes of a block too large to be held that are still to come, and its length. */
  #passing = 0;
  #passed = 0;
  #ending: Ending = 'open';

  constructor(window: Window, packet: Packet, report: Report) {
    this.#window = window;
    this.#packet = packet;
    this.#report = report;
  }

  next(): boolean {
    const window = this.#window;
    for (;;) {
      if (this.#damage !== undefined && !this.#isFound(this.#damage)) return false;
      if (this.#passing > 0 && !this.#pass()) return false;
      if (window.left < LEAST_BLOCK) return false;
      const { at, view } = window;
      if (view.getUint32(at, true) === BlockType.SECTION) {
        const order = orderAt(view, at);
        if (order === undefined) {
          this.#lose('a section without its byte order');
          continue;
        }
        if (order !== this.#section.little) this.#section = new Section(order);
      }
      const { little } = this.#section;
      const type = view.getUint32(at, little);
      const length = view.getUint32(at + 4, little);
      if (!isLength(length, type)) this.#lose(`a block of ${length} bytes, which none can have`);
      else if (length > LARGEST_HELD) this.#tooLarge(type, length);
      else if (window.left < length) return false;
      else if (view.getUint32(at + length - 4, little) !== length)
        this.#lose(
          `a block of ${length} bytes that ends as one of ${view.getUint32(at + length - 4, little)}`,
        );
      else {
        this.#packet.offset = window.offset;
        window.at += length;
        if (this.#take(type, at + 8, at + length - 4)) return true;
      }
    }
  }

  finish(): void {
    const { offset, left } = this.#window;
    this.#ending = 'ended';
    if (this.#damage !== undefined || (left === 0 && this.#passing === 0)) return;
    const at = offset - this.#passed;
    this.#report('cut', `it ends at byte ${offset + left}, in the middle of the block at byte ${at}`, at);
    this.#passing = 0;
    if (left === 0) return;
    // Unless it is the block's length that is wrong, and others follow.
    this.#ending = 'cut';
    this.#damage = at;
    this.#window.at++;
  }

  /** True where the block is a packet for us. */
  #take(type: number, start: number, end: number): boolean {
    const { view } = this.#window;
    if (packets.has(type))
      return readPacketBlock(type, view, start, end, this.#section, this.#packet, this.#report);
    const { offset } = this.#packet;
    if (type === BlockType.SECTION) this.#section = new Section(this.#section.little);
    else if (type === BlockType.INTERFACE) this.#section.describe(view, start, end, offset, this.#report);
    else if (!known.has(type))
      this.#report(
        'foreign',
        `the block at byte ${offset} is of type ${type}, which is not known here`,
        offset,
      );
    return false;
  }

  #tooLarge(type: number, length: number): void {
    const { view, at, offset } = this.#window;
    const mayBeOurs = packets.has(type) && this.#section.isOurs(view.getUint32(at + 8, this.#section.little));
    if (mayBeOurs || type === BlockType.SECTION || type === BlockType.INTERFACE) {
      this.#lose(`a block of ${length} bytes, which none of its type has`);
      return;
    }
    this.#report('foreign', `the block at byte ${offset}, of ${length} bytes, was passed over`, offset);
    this.#passing = length;
    this.#passed = 0;
  }

  /** True when the large block is passed. */
  #pass(): boolean {
    const window = this.#window;
    const inside = Math.min(this.#passing - 4, window.left);
    window.at += inside;
    this.#passing -= inside;
    this.#passed += inside;
    if (this.#passing > 4 || window.left < 4) return false;
    const length = window.view.getUint32(window.at, this.#section.little);
    const expected = this.#passed + 4;
    this.#passing = 0;
    this.#passed = 0;
    if (length !== expected) this.#lose(`a block of ${expected} bytes that ends as one of ${length}`);
    else window.at += 4;
    return true;
  }

  #lose(what: string): void {
    const { offset } = this.#window;
    this.#report('damaged', `${what}, at byte ${offset}: the next whole ones are looked for`, offset);
    this.#damage = offset;
    // What is here is not a block's begin.
    this.#window.at++;
  }

  #isFound(damage: number): boolean {
    const window = this.#window;
    const end = window.offset + window.left;
    if (this.#ending === 'open' && end < this.#searchAt) return false;
    const isFound = searchBlocks(window, this.#section, this.#ending);
    if (!isFound && this.#ending === 'open') this.#searchAt = end + SEARCH_AFTER;
    if (!isFound && this.#ending !== 'ended') return false;
    if (!isFound) window.at = window.end;
    const where = isFound ? `: it is read on at byte ${window.offset}` : ', up to the end';
    this.#report('damaged', `${window.offset - damage} bytes were passed over${where}`, damage);
    this.#damage = undefined;
    return true;
  }
}
