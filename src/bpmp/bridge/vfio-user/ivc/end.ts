import { Frame, IvcState, Queue, SRAM_FROM_GUEST, SRAM_TO_GUEST } from './abi.js';
import type { IvcMemory } from './memory.js';

/** Words that an end is kept in. */
export const END_WORDS = 6;

/** What {@link IvcEnd.look} found, as bits. */
export const Seen = {
  /** Both ends are established and the counters are in order: frames may be taken and put. */
  READY: 1,
  /** Our state has changed, and the guest is to be told by the doorbell. */
  NOTIFY: 2,
  /** The counters began anew: whatever was under way is nobody's any more. */
  RESTARTED: 4,
  /** The guest wrote what no driver writes; the channel stands still until the guest begins a handshake. */
  CORRUPT: 8,
  /** A handshake was completed. */
  MET: 16,
} as const;

/**
 * Our end of one IVC channel, after the state machine of Linux's drivers/firmware/tegra/ivc.c, each queue one frame
 * long. What belongs to us in the shared header is kept here and only written there; what belongs to the guest is read
 * once for each look, and never trusted to stay.
 */
export class IvcEnd {
  readonly #memory: IvcMemory;
  /** Where the guest's queue begins, and ours. */
  readonly #in: number;
  readonly #out: number;
  readonly #inHeader: Uint8Array;
  readonly #outHeader: Uint8Array;
  readonly #inFrame: Uint8Array;
  readonly #outFrame: Uint8Array;
  /** See the accessors; what is ours is written here first, and then where the guest reads it. */
  readonly #words: Int32Array;
  #isWaiting = false;

  /** @param words - where it is kept, {@link END_WORDS}; as a former one left it, then call {@link resume} */
  constructor(memory: IvcMemory, channel: number, words: Int32Array = new Int32Array(END_WORDS)) {
    this.#words = words;
    this.#memory = memory;
    this.#in = SRAM_FROM_GUEST + channel * Queue.SIZE;
    this.#out = SRAM_TO_GUEST + channel * Queue.SIZE;
    const part = (start: number, size: number) => memory.bytes.subarray(start, start + size);
    this.#inHeader = part(this.#in, Queue.HEADER);
    this.#outHeader = part(this.#out, Queue.HEADER);
    this.#inFrame = part(this.#in + Queue.FRAME, Frame.SIZE);
    this.#outFrame = part(this.#out + Queue.FRAME, Frame.SIZE);
  }

  get #state(): number {
    return this.#words[0];
  }
  set #state(state: number) {
    this.#words[0] = state;
  }
  /** Frames that we put, that the guest took of them, and that we took; u32. */
  get #sent(): number {
    return this.#words[1] >>> 0;
  }
  set #sent(count: number) {
    this.#words[1] = count;
  }
  get #read(): number {
    return this.#words[2] >>> 0;
  }
  set #read(count: number) {
    this.#words[2] = count;
  }
  get #taken(): number {
    return this.#words[3] >>> 0;
  }
  set #taken(count: number) {
    this.#words[3] = count;
  }
  /** Whether the waiting frame was copied, and is the guest's again only once it is released. */
  get #isHeld(): boolean {
    return this.#words[4] === 1;
  }
  set #isHeld(isHeld: boolean) {
    this.#words[4] = isHeld ? 1 : 0;
  }
  get #hasMet(): boolean {
    return this.#words[5] === 1;
  }
  set #hasMet(hasMet: boolean) {
    this.#words[5] = hasMet ? 1 : 0;
  }

  get isHeld(): boolean {
    return this.#isHeld;
  }
  get sent(): number {
    return this.#sent;
  }
  get taken(): number {
    return this.#taken;
  }

  /** Lets go of a frame that nobody has: it is waiting again. */
  unhold(): void {
    this.#isHeld = false;
  }

  /** After a former one, which may have died between two stores: makes what the guest reads agree with what is kept. */
  resume(): void {
    this.#memory.store(this.#out + Queue.SENT, this.#sent);
    this.#memory.store(this.#in + Queue.TAKEN, this.#taken);
    this.#memory.store(this.#out + Queue.STATE, this.#state);
    this.#memory.maintain(this.#inHeader);
    this.#memory.maintain(this.#outHeader);
  }

  /** The counters as they are to be once a frame was released and `frame`, if any, was put; may be done twice. */
  complete(taken: number, sent: number, frame: Uint8Array | undefined): void {
    this.#taken = taken;
    this.#isHeld = false;
    if (frame !== undefined) {
      this.#outFrame.set(frame);
      this.#memory.maintain(this.#outFrame);
      this.#sent = sent;
    }
    this.resume();
  }

  /** Whether the last look found a frame that nobody has copied. */
  get isWaiting(): boolean {
    return this.#isWaiting && !this.#isHeld;
  }
  /** Whether the last look found room for a frame of ours. */
  get hasRoom(): boolean {
    return this.#sent === this.#read;
  }
  /** Whether a handshake was completed since power-on: somebody is there. */
  get hasMet(): boolean {
    return this.#hasMet;
  }

  /** One step of the state machine, then the counters; returns bits of {@link Seen}. */
  look(): number {
    const memory = this.#memory;
    memory.maintain(this.#inHeader);
    memory.maintain(this.#outHeader);
    this.#isWaiting = false;
    const remote = memory.load(this.#in + Queue.STATE);
    if (remote === IvcState.SYNC) {
      this.#clearCounters();
      this.#enter(IvcState.ACK);
      return Seen.NOTIFY | Seen.RESTARTED;
    }
    if (this.#state === IvcState.SYNC) {
      if (remote !== IvcState.ACK) return 0;
      this.#clearCounters();
      this.#establish();
      return Seen.NOTIFY | Seen.RESTARTED | Seen.MET;
    }
    if (remote > IvcState.ACK) return this.refuse();
    let seen = 0;
    if (this.#state === IvcState.ACK) {
      this.#establish();
      seen = Seen.NOTIFY | Seen.MET;
    }
    if (remote === IvcState.ACK) return seen;
    return this.#readCounters() ? seen | Seen.READY : this.refuse();
  }

  /** One copy of the waiting frame. It stays the guest's until {@link release}. */
  copy(into: Uint8Array): void {
    this.#isHeld = true;
    this.#memory.maintain(this.#inFrame);
    into.set(this.#inFrame);
  }

  /** Done with the frame that was waiting: its place is the guest's again. */
  release(): void {
    this.#taken = (this.#taken + 1) >>> 0;
    this.#isHeld = false;
    this.#memory.store(this.#in + Queue.TAKEN, this.#taken);
    this.#memory.maintain(this.#inHeader);
  }

  /** Sends a frame of {@link Frame.SIZE} bytes; only to be called while there is room. */
  put(frame: Uint8Array): void {
    this.#outFrame.set(frame);
    this.#memory.maintain(this.#outFrame);
    this.#sent = (this.#sent + 1) >>> 0;
    this.#memory.store(this.#out + Queue.SENT, this.#sent);
    this.#memory.maintain(this.#outHeader);
  }

  /** What a driver does that finds its channel unusable: it asks for a handshake, and waits. */
  refuse(): number {
    this.#isHeld = false;
    this.#isWaiting = false;
    this.#enter(IvcState.SYNC);
    return Seen.NOTIFY | Seen.CORRUPT;
  }

  /** As at power-on; the memory is cleared by whoever owns it. */
  powerOn(): void {
    this.#state = IvcState.ESTABLISHED;
    this.#sent = 0;
    this.#read = 0;
    this.#taken = 0;
    this.#isHeld = false;
    this.#isWaiting = false;
    this.#hasMet = false;
  }

  /** Each side's counters move by one, and nobody moves the other's. */
  #readCounters(): boolean {
    const memory = this.#memory;
    const theirSent = memory.load(this.#in + Queue.SENT);
    const theirTaken = memory.load(this.#out + Queue.TAKEN);
    const waiting = (theirSent - this.#taken) >>> 0;
    if (waiting > 1 || (this.#isHeld && waiting === 0)) return false;
    // Theirs may have caught up with ours, or be where it was.
    if (theirTaken !== this.#read && theirTaken !== this.#sent) return false;
    if (memory.load(this.#in + Queue.TAKEN) !== this.#taken) return false;
    if (memory.load(this.#out + Queue.SENT) !== this.#sent) return false;
    if (memory.load(this.#out + Queue.STATE) !== this.#state) return false;
    this.#read = theirTaken;
    this.#isWaiting = waiting === 1;
    return true;
  }

  #clearCounters(): void {
    this.#sent = 0;
    this.#read = 0;
    this.#taken = 0;
    this.#isHeld = false;
    this.#memory.store(this.#out + Queue.SENT, 0);
    this.#memory.store(this.#in + Queue.TAKEN, 0);
    this.#memory.maintain(this.#inHeader);
  }

  #establish(): void {
    this.#hasMet = true;
    this.#enter(IvcState.ESTABLISHED);
  }

  #enter(state: number): void {
    this.#state = state;
    this.#memory.store(this.#out + Queue.STATE, state);
    this.#memory.maintain(this.#outHeader);
  }
}
