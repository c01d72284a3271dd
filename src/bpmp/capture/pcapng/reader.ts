import { Blocks } from './blocks.js';
import { Classic, classicOrder, FILE_HEADER } from './classic.js';
import { orderAt } from './frame.js';
import { BlockType, LEAST_BLOCK } from './numbers.js';
import { type Format, Packet, type Report } from './packet.js';
import { Window } from './window.js';

/**
 * The packets of our link type in a stream, one after another: `add` bytes, then `next` until it is false, then add more;
 * `finish`, and `next` until it is false again. Nothing is made for each packet.
 */
export class PacketReader {
  /** The one that `next` has found. */
  readonly packet = new Packet();
  /** Why this is no capture at all: nothing comes of it. */
  refusal: string | undefined;

  readonly #window = new Window();
  readonly #report: Report;
  #format: Format | undefined;

  constructor(report: Report) {
    this.#report = report;
  }

  /** What the packet's places are of. */
  get bytes(): Uint8Array {
    return this.#window.bytes;
  }

  get view(): DataView {
    return this.#window.view;
  }

  /** The chunk must stay as it is until `next` is false. */
  add(chunk: Uint8Array): void {
    if (this.refusal === undefined) this.#window.add(chunk);
  }

  next(): boolean {
    this.#format ??= this.#recognise();
    if (this.#format?.next() === true) return true;
    this.#window.keep();
    return false;
  }

  finish(): void {
    if (this.refusal !== undefined) return;
    const { left, view, at } = this.#window;
    if (this.#format !== undefined) this.#format.finish();
    else if (left >= 4 && classicOrder(view, at) === undefined && view.getUint32(at) !== BlockType.SECTION)
      this.refusal = othersNamed(view.getUint32(at));
    else this.#report('cut', left === 0 ? 'it is empty' : `it ends at byte ${left}, in its header`, 0);
  }

  #recognise(): Format | undefined {
    const window = this.#window;
    const { at, view, left } = window;
    if (this.refusal !== undefined || left < LEAST_BLOCK) return undefined;
    if (view.getUint32(at, true) === BlockType.SECTION) {
      if (orderAt(view, at) !== undefined) return new Blocks(window, this.packet, this.#report);
      this.refusal = 'it begins as pcapng does, but without a byte order';
      return undefined;
    }
    const order = classicOrder(view, at);
    if (order === undefined) this.refusal = othersNamed(view.getUint32(at, false));
    else if (left >= FILE_HEADER) return new Classic(window, this.packet, this.#report, order);
    return undefined;
  }
}

/** What else people hand to a program that reads captures. */
function othersNamed(start: number): string {
  if (start >>> 16 === 0x1f8b) return 'it is compressed with gzip: gunzip it first';
  if (start === 0x28b52ffd) return 'it is compressed with zstd: unzstd it first';
  if (start === 0xfd377a58) return 'it is compressed with xz: unxz it first';
  if (start === 0x04224d18) return 'it is compressed with lz4: unlz4 it first';
  if (start >>> 8 === 0x425a68) return 'it is compressed with bzip2: bunzip2 it first';
  if (start === 0xa1b2cd34 || start === 0x34cdb2a1)
    return 'it is a pcap of a kind of its own (0xa1b2cd34): editcap makes pcapng of it';
  return 'it begins neither as pcapng nor as pcap';
}
