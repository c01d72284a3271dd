import { closeSync } from 'node:fs';
import { addon, Descriptor, type Readiness, Ready, WOULD_BLOCK } from '../../src/native/index.js';

export interface ClientReply {
  readonly id: number;
  readonly command: number;
  readonly flags: number;
  readonly errno: number;
  readonly payload: Buffer;
  readonly fds: number[];
}

/** The client's side of vfio-user, as plain as it can be, and willing to send anything. */
export class VfioUserClient {
  readonly #descriptor: Descriptor;
  readonly #readiness: Readiness;
  #input = Buffer.alloc(0);
  #fds: number[] = [];
  #waiting: ((reply: ClientReply | undefined) => void)[] = [];
  readonly #queued: ClientReply[] = [];
  #id = 0;
  /** Whether the server has closed the connection. */
  ended = false;

  constructor(path: string) {
    this.#descriptor = new Descriptor(addon().unixConnect(path));
    const { Readiness: ReadinessClass } = addon();
    this.#readiness = new ReadinessClass(this.#descriptor.fd, () => this.#onReady());
    this.#readiness.watch(Ready.READABLE);
  }

  /** The next reply, or undefined once the server has closed. */
  reply(): Promise<ClientReply | undefined> {
    const queued = this.#queued.shift();
    if (queued !== undefined || this.ended) return Promise.resolve(queued);
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  async request(command: number, payload: Uint8Array, fds?: readonly number[]): Promise<ClientReply> {
    this.post(command, payload, 0, fds);
    const reply = await this.reply();
    if (reply === undefined) throw new Error('the server closed the connection');
    return reply;
  }

  post(command: number, payload: Uint8Array, flags = 0, fds?: readonly number[]): void {
    this.sendRaw(frame(this.#id++ & 0xffff, command, payload, flags), fds);
  }

  /** False where the socket is full; nothing was sent then. */
  sendRaw(bytes: Uint8Array, fds?: readonly number[]): boolean {
    const passed = fds === undefined ? undefined : Int32Array.from(fds);
    const sent = addon().unixSend(this.#descriptor.fd, bytes, 0, bytes.length, passed);
    if (sent === WOULD_BLOCK) return false;
    if (sent !== bytes.length) throw new Error(`only ${sent} of ${bytes.length} bytes were sent`);
    return true;
  }

  /** Stops taking replies in, as a client that hangs does. */
  stopReading(): void {
    this.#readiness.watch(0);
  }
  resumeReading(): void {
    this.#readiness.watch(Ready.READABLE);
  }

  async start(): Promise<ClientReply> {
    return this.request(1, version('{"capabilities":{"max_msg_fds":8}}\0'));
  }

  read(region: number, offset: number, count: number): Promise<ClientReply> {
    return this.request(9, access(region, offset, count));
  }

  write(region: number, offset: number, data: Uint8Array): Promise<ClientReply> {
    return this.request(10, Buffer.concat([access(region, offset, data.length), data]));
  }

  /** As QEMU does where no region is shared: nobody answers. */
  postedWrite(region: number, offset: number, data: Uint8Array): void {
    this.post(10, Buffer.concat([access(region, offset, data.length), data]), 0x10);
  }

  close(): void {
    this.#readiness.close();
    this.#descriptor.close();
    for (const fd of this.#fds) closeSync(fd);
    this.#fds = [];
    this.#end();
  }

  #onReady(): void {
    const chunk = Buffer.alloc(1 << 18);
    const fds = new Int32Array(9);
    let got: number;
    try {
      got = addon().unixReceive(this.#descriptor.fd, chunk, 0, chunk.length, fds);
    } catch {
      got = 0;
    }
    if (got === WOULD_BLOCK) return;
    if (got === 0) {
      this.#readiness.watch(0);
      this.#end();
      return;
    }
    this.#fds.push(...fds.subarray(1, 1 + fds[0]!));
    this.#input = Buffer.concat([this.#input, chunk.subarray(0, got)]);
    while (this.#input.length >= 16 && this.#input.length >= this.#input.readUInt32LE(4)) this.#deliver();
  }

  #deliver(): void {
    const size = this.#input.readUInt32LE(4);
    const bytes = this.#input.subarray(0, size);
    this.#input = this.#input.subarray(size);
    const reply = {
      id: bytes.readUInt16LE(0),
      command: bytes.readUInt16LE(2),
      flags: bytes.readUInt32LE(8),
      errno: bytes.readUInt32LE(12),
      payload: bytes.subarray(16),
      fds: this.#fds,
    };
    this.#fds = [];
    const waiting = this.#waiting.shift();
    if (waiting) waiting(reply);
    else this.#queued.push(reply);
  }

  #end(): void {
    this.ended = true;
    for (const waiting of this.#waiting) waiting(undefined);
    this.#waiting = [];
  }
}

export function frame(id: number, command: number, payload: Uint8Array, flags = 0, size?: number): Buffer {
  const header = Buffer.alloc(16);
  header.writeUInt16LE(id, 0);
  header.writeUInt16LE(command, 2);
  header.writeUInt32LE(size ?? 16 + payload.length, 4);
  header.writeUInt32LE(flags, 8);
  return Buffer.concat([header, payload]);
}

export function version(text: string, major = 0, minor = 0): Buffer {
  return Buffer.concat([words16(major, minor), Buffer.from(text)]);
}

export function access(region: number, offset: number | bigint, count: number): Buffer {
  const bytes = Buffer.alloc(16);
  bytes.writeBigUInt64LE(BigInt(offset), 0);
  bytes.writeUInt32LE(region, 8);
  bytes.writeUInt32LE(count, 12);
  return bytes;
}

export function words(...values: number[]): Buffer {
  return Buffer.from(Uint32Array.from(values).buffer);
}

function words16(...values: number[]): Buffer {
  return Buffer.from(Uint16Array.from(values).buffer);
}
