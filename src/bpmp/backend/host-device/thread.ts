import { Socket } from 'node:net';
import type { Outcome } from '../backend.js';
import { type Counters, closedOutcome, finish } from './result.js';

/** mrq, size of the request, room for the reply: u32 each, then the request. */
const REQUEST_HEADER = 12;
/** errno, ret, size of the reply, form: i32 each, then the reply. */
const REPLY_HEADER = 16;

interface Pending {
  readonly rx: Uint8Array;
  readonly counters: Counters;
  readonly resolve: (outcome: Outcome) => void;
}

/**
 * Talks to a device's thread over a socket: requests one way, replies the other, in the same order. So the thread
 * knows nothing of JavaScript, and whichever side ends first, the other sees the end of a stream.
 */
export class DeviceThread {
  private readonly socket: Socket;
  private readonly queue: Pending[] = [];
  private received: Buffer = Buffer.alloc(0);

  constructor(fd: number) {
    this.socket = new Socket({ fd, readable: true, writable: true });
    // An idle device keeps no process alive.
    this.socket.unref();
    this.socket.on('data', (chunk: Buffer) => this.onData(chunk));
    this.socket.on('error', () => this.close());
    this.socket.on('close', () => this.fail());
  }

  get pending(): number {
    return this.queue.length;
  }

  transfer(mrq: number, tx: Uint8Array, rx: Uint8Array, counters: Counters): Promise<Outcome> {
    const message = Buffer.allocUnsafe(REQUEST_HEADER + tx.length);
    message.writeUInt32LE(mrq >>> 0, 0);
    message.writeUInt32LE(tx.length, 4);
    message.writeUInt32LE(rx.length, 8);
    message.set(tx, REQUEST_HEADER);
    return new Promise((resolve) => {
      if (this.queue.push({ rx, counters, resolve }) === 1) this.socket.ref();
      this.socket.write(message);
    });
  }

  close(): void {
    this.socket.destroy();
    this.fail();
  }

  private onData(chunk: Buffer): void {
    this.received = this.received.length === 0 ? chunk : Buffer.concat([this.received, chunk]);
    for (;;) {
      if (this.received.length < REPLY_HEADER) return;
      const size = this.received.readInt32LE(8);
      if (this.received.length < REPLY_HEADER + size) return;
      const reply = this.received.subarray(0, REPLY_HEADER + size);
      this.received = this.received.subarray(REPLY_HEADER + size);
      this.answer(reply);
    }
  }

  private answer(reply: Buffer): void {
    const pending = this.queue.shift();
    if (pending === undefined) return;
    if (this.queue.length === 0) this.socket.unref();
    const result = Int32Array.from([0, 4, 8, 12], (at) => reply.readInt32LE(at));
    const outcome = finish(result, pending.rx.length, pending.counters);
    pending.rx.set(reply.subarray(REPLY_HEADER, REPLY_HEADER + outcome.rxSize));
    pending.resolve(outcome);
  }

  private fail(): void {
    for (const { resolve } of this.queue.splice(0)) resolve(closedOutcome());
  }
}
