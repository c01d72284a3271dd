import { SlotLayout, SlotReply, SlotStage } from '../../../native/index.js';

/** Indices of 32-bit words within a slot. */
const WORDS = SlotLayout.SIZE / 4;
const ID = SlotLayout.ID / 4;
const THREAD = SlotLayout.THREAD / 4;
const MRQ = SlotLayout.MESSAGE / 4;
const FAULT = SlotLayout.FAULT / 4;
const TX_SIZE = SlotLayout.TX_SIZE / 4;
const RX_ROOM = SlotLayout.RX_ROOM / 4;
const STAGE = SlotLayout.STAGE / 4;
const REPLY = SlotLayout.REPLY / 4;
const ERROR = SlotLayout.ERROR / 4;
const RET = SlotLayout.RET / 4;
const RX_SIZE = SlotLayout.RX_SIZE / 4;

/** What the first slot's views are kept by: their length, 0 to 512. */
const LENGTHS = SlotLayout.RX - SlotLayout.TX + 1;

/** The guest's calls as the addon puts them down, and their answers as it takes them up. */
export class Slots {
  readonly count: number;
  readonly #words: Int32Array;
  readonly #bytes: Uint8Array;
  readonly #first: Uint8Array;
  // Nearly every request goes through the first slot; with its views kept by length, such a request allocates nothing.
  readonly #tx: (Uint8Array | undefined)[] = new Array(LENGTHS);
  readonly #rx: (Uint8Array | undefined)[] = new Array(LENGTHS);

  constructor(memory: ArrayBuffer) {
    this.count = Math.floor(memory.byteLength / SlotLayout.SIZE);
    this.#words = new Int32Array(memory);
    this.#bytes = new Uint8Array(memory);
    this.#first = new Uint8Array(memory, 0, SlotLayout.SIZE);
  }

  /** The whole slot, as it is. */
  bytes(slot: number): Uint8Array {
    return slot === 0 ? this.#first : this.#view(slot, 0, SlotLayout.SIZE);
  }

  thread(slot: number): number {
    return this.#words[slot * WORDS + THREAD];
  }

  mrq(slot: number): number {
    return this.#words[slot * WORDS + MRQ] >>> 0;
  }

  /** 0, or the errno of what could not be read. */
  fault(slot: number): number {
    return this.#words[slot * WORDS + FAULT];
  }

  tx(slot: number): Uint8Array {
    const length = this.#words[slot * WORDS + TX_SIZE];
    if (slot !== 0) return this.#view(slot, SlotLayout.TX, length);
    this.#tx[length] ??= this.#view(0, SlotLayout.TX, length);
    return this.#tx[length];
  }

  rx(slot: number): Uint8Array {
    const length = this.#words[slot * WORDS + RX_ROOM];
    if (slot !== 0) return this.#view(slot, SlotLayout.RX, length);
    this.#rx[length] ??= this.#view(0, SlotLayout.RX, length);
    return this.#rx[length];
  }

  /** A size out of the message as the guest wrote it, all 64 bits. */
  messageSize(slot: number, which: 'tx' | 'rx'): bigint {
    const at = which === 'tx' ? SlotLayout.MESSAGE_TX_SIZE : SlotLayout.MESSAGE_RX_SIZE;
    const { buffer, byteOffset } = this.#bytes;
    return new DataView(buffer, byteOffset).getBigUint64(slot * SlotLayout.SIZE + at, true);
  }

  /** How far the call in it has come: one of {@link SlotStage}. */
  stage(slot: number): number {
    return this.#words[slot * WORDS + STAGE];
  }

  /** From here on the request may have been executed. */
  handed(slot: number): void {
    this.#words[slot * WORDS + STAGE] = SlotStage.HANDED;
  }

  answerTransfer(slot: number, ret: number, rxSize: number): void {
    const at = slot * WORDS;
    this.#words[at + REPLY] = SlotReply.TRANSFER;
    this.#words[at + RET] = ret;
    this.#words[at + RX_SIZE] = rxSize;
    this.#words[at + STAGE] = SlotStage.ANSWERED;
  }

  /** `errno` is positive. */
  answerError(slot: number, errno: number): void {
    this.#words[slot * WORDS + REPLY] = SlotReply.ERROR;
    this.#words[slot * WORDS + ERROR] = errno;
    this.#words[slot * WORDS + STAGE] = SlotStage.ANSWERED;
  }

  answerContinue(slot: number): void {
    this.#words[slot * WORDS + REPLY] = SlotReply.CONTINUE;
  }

  answerStandIn(slot: number): void {
    this.#words[slot * WORDS + REPLY] = SlotReply.STAND_IN;
  }

  /** True where the answer is that of a request which was handled. */
  isTransfer(slot: number): boolean {
    return this.#words[slot * WORDS + REPLY] === SlotReply.TRANSFER;
  }

  /**
   * Gives the answer that was kept from another slot to the call in this one, with the message as it was at first: what
   * the guest has room for, and what the answer changes, is to be seen there and no longer in the repeat.
   */
  copyAnswer(slot: number, from: Uint8Array): void {
    this.bytes(slot).set(from.subarray(SlotLayout.MESSAGE), SlotLayout.MESSAGE);
  }

  /** Lets the answer of one slot go to the call in another one, which is then empty. */
  moveCall(from: number, to: number): void {
    for (let word = ID; word < ID + 2; word++) {
      this.#words[to * WORDS + word] = this.#words[from * WORDS + word];
    }
    this.forgetCall(from);
  }

  /** From here on the slot holds no call that is owed an answer. */
  forgetCall(slot: number): void {
    this.#words[slot * WORDS + ID] = 0;
    this.#words[slot * WORDS + ID + 1] = 0;
  }

  #view(slot: number, offset: number, length: number): Uint8Array {
    const start = slot * SlotLayout.SIZE + offset;
    return this.#bytes.subarray(start, start + length);
  }
}
