import type { Verdict } from '../policy/index.js';
import { packetSize, writePacket } from './packet.js';
import { BlockType, INBOUND, OptionCode, PACKET_HEADER } from './pcapng/numbers.js';
import { optionSize, padded } from './pcapng/write.js';
import { RingClock } from './ring-clock.js';
import {
  MOST_BLOCK,
  RING_HEADER,
  RING_MASK,
  RING_SIZE,
  RING_WORDS,
  RingWord,
  readCount,
  TWO_32,
  writeCount,
} from './ring-layout.js';
import { isWhole } from './ring-walk.js';
import type { TransferRecord } from './transfer.js';

/** Flags (4 bytes) and number (8) of the packet, the options' end, and the block's length once more. */
const TAIL_SIZE = optionSize(4) + optionSize(8) + 4 + 4;

const EMPTY = new Uint8Array(0);

/** One transfer as it is written: the same object over and over, so that a transfer allocates none. */
export class RingTransfer implements TransferRecord {
  readonly vm: string;
  /** The ring's own; the time is `atMs`. */
  sequence = 0;
  readonly timeNs = 0n;
  mrq = 0;
  tx: Uint8Array = EMPTY;
  verdict: Verdict = 'allow';
  hidden = false;
  observed = false;
  rule = '';
  ret = 0;
  rx: Uint8Array = EMPTY;
  latencyNs = 0;
  thread = 0;
  /** Monotonic, when it was answered. */
  atMs = 0;

  constructor(vm: string) {
    this.vm = vm;
  }
}

/**
 * The last transfers of one VM, in memory that others read as it is written, and when the thread that wrote it is stuck,
 * has failed or was killed. There is one writer at a time; none of its readers can hold it up.
 */
export class TransferRing {
  readonly #words: Int32Array;
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  readonly #clock: RingClock;
  readonly #onQuarter: () => void;
  #tail: number;
  #head: number;
  /** Of the next transfer. */
  #sequence: number;

  /**
   * Goes on with what a former writer left, where there is something.
   *
   * @param offset - a multiple of 8; {@link RING_SIZE} bytes from there are the ring's
   * @param onQuarter - called where a reader asked for that, when much is new since it last looked
   */
  constructor(
    memory: ArrayBufferLike = new ArrayBuffer(RING_SIZE),
    offset = 0,
    onQuarter: () => void = () => undefined,
    clock = new RingClock(performance.now()),
  ) {
    this.#words = new Int32Array(memory, offset, RING_SIZE / 4);
    this.#bytes = new Uint8Array(memory, offset, RING_SIZE);
    this.#view = new DataView(memory, offset, RING_SIZE);
    this.#onQuarter = onQuarter;
    this.#clock = clock;
    this.#head = this.#words[RingWord.HEAD] >>> 0;
    // What cannot be followed is not gone on with; its readers find the ring empty.
    if (!isWhole(this.#words)) Atomics.store(this.#words, RingWord.TAIL, this.#head);
    this.#tail = this.#words[RingWord.TAIL] >>> 0;
    const next = readCount(this.#words, RingWord.NEXT);
    this.#sequence = Number.isSafeInteger(next) ? next : 0;
  }

  get nextSequence(): number {
    return this.#sequence;
  }

  add(transfer: RingTransfer): void {
    transfer.sequence = this.#sequence;
    const inPacket = packetSize(transfer);
    const size = PACKET_HEADER + padded(inPacket) + TAIL_SIZE;
    // A bridge's requests are of 512 bytes at most: this is for what nobody has thought of.
    if (size > MOST_BLOCK) return;
    const at = this.#makeRoom(size >>> 2);
    const view = this.#view;
    view.setUint32(at, BlockType.ENHANCED_PACKET, true);
    view.setUint32(at + 4, size, true);
    view.setUint32(at + 8, 0, true);
    this.#clock.set(transfer.atMs);
    view.setUint32(at + 12, this.#clock.high, true);
    view.setUint32(at + 16, this.#clock.low, true);
    view.setUint32(at + 20, inPacket, true);
    view.setUint32(at + 24, inPacket, true);
    let end = writePacket(transfer, this.#bytes, view, at + PACKET_HEADER);
    while ((end & 3) !== 0) this.#bytes[end++] = 0;
    view.setUint32(end, OptionCode.PACKET_FLAGS | (4 << 16), true);
    view.setUint32(end + 4, INBOUND, true);
    view.setUint32(end + 8, OptionCode.PACKET_ID | (8 << 16), true);
    view.setUint32(end + 12, this.#sequence >>> 0, true);
    view.setUint32(end + 16, this.#sequence / TWO_32, true);
    view.setUint32(end + 20, 0, true);
    view.setUint32(end + 24, size, true);
    this.#sequence++;
    writeCount(this.#words, RingWord.NEXT, this.#sequence);
    this.#head = (this.#head + (size >>> 2)) >>> 0;
    Atomics.store(this.#words, RingWord.HEAD, this.#head);
    if (this.#words[RingWord.NUDGE] !== 0) this.#nudge();
  }

  /** Where so many words may be written, in bytes. */
  #makeRoom(words: number): number {
    const rest = RING_WORDS - (this.#head & RING_MASK);
    const filler = words > rest ? rest : 0;
    const needed = filler + words;
    let tail = this.#tail;
    const last = (this.#head + needed - RING_WORDS) >>> 0;
    if ((this.#head - tail + needed) >>> 0 > RING_WORDS) {
      // As signed: how far the tail still is from where it has to be.
      while (((tail - last) | 0) < 0) tail = (tail + this.#lengthAt(tail)) >>> 0;
      this.#tail = tail;
      Atomics.store(this.#words, RingWord.TAIL, tail);
      // A load keeps what is written below behind the store, which alone would not on ARM.
      Atomics.load(this.#words, RingWord.TAIL);
    }
    if (filler > 0) {
      this.#words[(RING_HEADER >> 2) + (this.#head & RING_MASK)] = 0;
      this.#head = (this.#head + filler) >>> 0;
    }
    return RING_HEADER + (this.#head & RING_MASK) * 4;
  }

  /** Of a block or what is not used, in words; never 0. */
  #lengthAt(position: number): number {
    const index = position & RING_MASK;
    const rest = RING_WORDS - index;
    const word = (RING_HEADER >> 2) + index;
    if (this.#words[word] === 0 || rest < 2) return rest;
    const length = this.#words[word + 1] >>> 2;
    return length > 0 && length <= rest ? length : rest;
  }

  #nudge(): void {
    const fresh = (this.#head - this.#words[RingWord.SEEN]) >>> 0;
    if (fresh < RING_WORDS / 4) return;
    this.#words[RingWord.NUDGE] = 0;
    this.#onQuarter();
  }
}
