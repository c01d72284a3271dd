import { closeSync } from 'node:fs';
import { addon, type Readiness, Ready } from '../../../../../src/native/index.js';
import { type VfioUserClient, words } from '../../../../support/vfio-user-client.js';

const SET_IRQS = 8;
const GET_REGION_INFO = 5;
const DEVICE_RESET = 13;
const DATA_NONE = 1;
const DATA_EVENTFD = 4;
const UNMASK = 0x10;
const TRIGGER = 0x20;

export const HSP = { ENABLE: 0x90104, RAW: 0x90108, PENDING: 0x9010c, BELL: 0x90300, BELL_ENABLE: 0x90304 };
const SYNC = 1;
const ACK = 2;
const ESTABLISHED = 0;
const PATIENCE_MS = 5000;

/** How the guest reaches the SRAM: u32 words and whole frames. */
export interface Sram {
  load(offset: number): Promise<number>;
  store(offset: number, value: number): void;
  bytes(offset: number, length: number): Promise<Buffer>;
  fill(offset: number, data: Uint8Array): void;
}

/** One access of a message each. */
function trappedSram(client: VfioUserClient): Sram {
  return {
    load: async (offset) => (await client.read(0, offset, 4)).payload.readUInt32LE(16),
    store: (offset, value) => client.postedWrite(0, offset, words(value)),
    bytes: async (offset, length) => (await client.read(0, offset, length)).payload.subarray(16),
    fill: (offset, data) => client.postedWrite(0, offset, data),
  };
}

/** The region's memory, mapped as QEMU maps it into its guest. */
async function sharedSram(client: VfioUserClient): Promise<Sram> {
  const { fds } = await client.request(GET_REGION_INFO, words(64, 0, 0, 0, 0, 0, 0, 0));
  const memory = Buffer.from(addon().mapMemory(fds[0]!, 0x2000));
  closeSync(fds[0]!);
  return {
    load: async (offset) => memory.readUInt32LE(offset),
    store: (offset, value) => void memory.writeUInt32LE(value >>> 0, offset),
    bytes: async (offset, length) => Buffer.from(memory.subarray(offset, offset + length)),
    fill: (offset, data) => void memory.set(data, offset),
  };
}

export interface Answer {
  readonly ret: number;
  readonly rx: Buffer;
}

/**
 * A guest's drivers over two vfio-user connections: the HSP's interrupt as QEMU passes it, IVC as ivc.c has it, and
 * requests as bpmp.c makes them.
 */
export class FakeGuest {
  readonly channels = new Map<number, GuestChannel>();
  readonly #eventfd = addon().eventfdCreate();
  readonly #readiness: Readiness;
  /** Interrupts taken, and those that found nothing pending. */
  interrupts = 0;
  spurious = 0;
  onInterrupt: (() => void) | undefined;

  private constructor(
    readonly hsp: VfioUserClient,
    readonly sramClient: VfioUserClient,
    readonly sram: Sram,
  ) {
    const { Readiness: ReadinessClass } = addon();
    this.#readiness = new ReadinessClass(this.#eventfd, () => void this.#interrupt());
    this.#readiness.watch(Ready.READABLE);
    for (const number of [0, 1, 2, 3, 13]) this.channels.set(number, new GuestChannel(this, number));
  }

  static async connect(hsp: VfioUserClient, sram: VfioUserClient, layout: 'trapped' | 'shared') {
    const guest = new FakeGuest(hsp, sram, layout === 'shared' ? await sharedSram(sram) : trappedSram(sram));
    await hsp.request(SET_IRQS, words(20, DATA_EVENTFD | TRIGGER, 0, 0, 1), [guest.#eventfd]);
    return guest;
  }

  channel(number: number): GuestChannel {
    return this.channels.get(number)!;
  }

  /** As the drivers' probes: the doorbell is let through, then each channel is reset and waited for. */
  async boot(): Promise<void> {
    this.hsp.postedWrite(0, HSP.ENABLE, words(1 << 19));
    for (const number of [3, 13, 0, 1, 2]) await this.channel(number).handshake();
  }

  ring(): void {
    this.hsp.postedWrite(0, HSP.BELL, words(1));
  }

  async pending(): Promise<number> {
    return (await this.hsp.read(0, HSP.PENDING, 4)).payload.readUInt32LE(16);
  }

  /** As QEMU tells both devices of a reset of the machine. */
  async reset(): Promise<void> {
    await this.hsp.request(DEVICE_RESET, words());
    await this.sramClient.request(DEVICE_RESET, words());
    for (const channel of this.channels.values()) channel.reset();
  }

  close(): void {
    this.#readiness.close();
    addon().closeFd(this.#eventfd);
    this.hsp.close();
    this.sramClient.close();
  }

  /** QEMU unmasks at the first access to the device, which is the handler's reading of PENDING. */
  async #interrupt(): Promise<void> {
    addon().eventfdDrain(this.#eventfd);
    this.interrupts++;
    const reading = this.pending();
    this.hsp.post(SET_IRQS, words(20, DATA_NONE | UNMASK, 0, 0, 1), 0x10);
    const value = await reading.catch(() => 0);
    if (this.hsp.ended) return;
    if (value === 0) this.spurious++;
    this.hsp.postedWrite(0, HSP.PENDING, words(value));
    this.onInterrupt?.();
    for (const channel of this.channels.values()) void channel.onInterrupt();
  }
}

/** The guest's end of a channel. */
export class GuestChannel {
  readonly #guest: FakeGuest;
  readonly #tx: number;
  readonly #rx: number;
  #state = ESTABLISHED;
  #sent = 0;
  #taken = 0;
  #waiting: (() => void) | undefined;
  #looking = Promise.resolve();

  constructor(guest: FakeGuest, number: number) {
    this.#guest = guest;
    this.#tx = 256 * number;
    this.#rx = 0x1000 + 256 * number;
  }

  async handshake(): Promise<void> {
    const { sram } = this.#guest;
    this.begin();
    for (const until = performance.now() + PATIENCE_MS; ; ) {
      if (performance.now() > until) throw new Error('the handshake does not end');
      const remote = await sram.load(this.#rx + 4);
      if (remote === SYNC) this.#move(ACK, true);
      else if (this.#state === SYNC && remote === ACK) this.#move(ESTABLISHED, true);
      else if (this.#state === ACK) this.#move(ESTABLISHED, false);
      if (this.#state === ESTABLISHED) return;
      await new Promise((resolve) => setImmediate(resolve));
    }
  }

  /** The first step alone. */
  begin(): void {
    this.#state = SYNC;
    this.#guest.sram.store(this.#tx + 4, SYNC);
    this.#guest.ring();
  }

  #move(state: number, clear: boolean): void {
    const { sram } = this.#guest;
    if (clear) {
      this.#sent = 0;
      this.#taken = 0;
      sram.store(this.#tx, 0);
      sram.store(this.#rx + 64, 0);
    }
    this.#state = state;
    sram.store(this.#tx + 4, state);
    this.#guest.ring();
  }

  /** Writes a request as write_advance does, and rings twice, as the driver and the queue do. */
  send(mrq: number, data: Uint8Array, flags = 3): void {
    const { sram } = this.#guest;
    const frame = Buffer.alloc(8 + data.length);
    frame.writeUInt32LE(mrq, 0);
    frame.writeUInt32LE(flags, 4);
    frame.set(data, 8);
    sram.fill(this.#tx + 128, frame);
    this.#sent = (this.#sent + 1) >>> 0;
    sram.store(this.#tx, this.#sent);
    this.#guest.ring();
    this.#guest.ring();
  }

  async hasAnswer(): Promise<boolean> {
    return (await this.#guest.sram.load(this.#rx)) === (this.#taken + 1) >>> 0;
  }

  async read(): Promise<Answer> {
    const frame = await this.#guest.sram.bytes(this.#rx + 128, 128);
    this.#taken = (this.#taken + 1) >>> 0;
    this.#guest.sram.store(this.#rx + 64, this.#taken);
    this.#guest.ring();
    return { ret: frame.readInt32LE(0), rx: frame.subarray(8) };
  }

  /** What the BPMP asks, taken as the driver's interrupt handler does. */
  async takeRequest(): Promise<{ mrq: number; flags: number; data: Buffer }> {
    for (const until = performance.now() + PATIENCE_MS; !(await this.hasAnswer()); ) {
      if (performance.now() > until) throw new Error('nothing was asked');
      await new Promise((resolve) => setImmediate(resolve));
    }
    const frame = await this.#guest.sram.bytes(this.#rx + 128, 128);
    this.#taken = (this.#taken + 1) >>> 0;
    this.#guest.sram.store(this.#rx + 64, this.#taken);
    this.#guest.ring();
    return { mrq: frame.readUInt32LE(0), flags: frame.readUInt32LE(4), data: frame.subarray(8) };
  }

  answerRequest(ret: number, data: Uint8Array): void {
    this.send(ret >>> 0, data, 0);
  }

  reset(): void {
    this.#state = ESTABLISHED;
    this.#sent = 0;
    this.#taken = 0;
  }

  /** A threaded request, told of by the interrupt. */
  async transfer(mrq: number, data: Uint8Array, flags = 3): Promise<Answer> {
    const told = new Promise<void>((resolve) => {
      this.#waiting = resolve;
    });
    this.send(mrq, data, flags);
    await told;
    return this.read();
  }

  /** An atomic one, polled for. */
  async transferAtomic(mrq: number, data: Uint8Array): Promise<Answer> {
    this.send(mrq, data, 1);
    while (!(await this.hasAnswer())) await new Promise((resolve) => setImmediate(resolve));
    return this.read();
  }

  onInterrupt(): Promise<void> {
    this.#looking = this.#looking.then(async () => {
      const waiting = this.#waiting;
      if (waiting === undefined || !(await this.hasAnswer())) return;
      this.#waiting = undefined;
      waiting();
    });
    return this.#looking;
  }
}
