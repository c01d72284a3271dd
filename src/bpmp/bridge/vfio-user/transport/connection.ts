import { closeSync } from 'node:fs';
import { addon, Descriptor, type Readiness, Ready, WOULD_BLOCK } from '../../../../native/index.js';
import { type Device, Frame, MAX_DESCRIPTORS, Session, StreamError } from '../protocol/index.js';
import { Attention } from './attention.js';
import { type Exchange, PlainExchange } from './exchange.js';
import { KeptExchange } from './kept-exchange.js';
import { Received } from './received.js';

/** How a connection ended: `fault` where the client broke the protocol or the kernel refused. */
export type ConnectionEnd =
  | { readonly reason: 'gone' }
  | { readonly reason: 'fault'; readonly message: string };

/** What a connection is kept in; see {@link KeptExchange}. */
export interface KeptConnection {
  /** The file of replies; it stays its owner's. */
  readonly repliesFd: number;
  readonly words: Int32Array;
  readonly goesOn: boolean;
}

/** How often the rest of a frame is looked for, in ms; only frames beyond what one message carries come in parts. */
const PART_MS = 2;

/** One client: takes its bytes in, has each frame handled in order, and sends the replies. */
export class Connection {
  readonly session: Session;
  readonly #device: Device;
  readonly #descriptor: Descriptor;
  readonly #readiness: Readiness;
  readonly #onEnd: (end: ConnectionEnd) => void;
  readonly #received = new Received();
  readonly #frame = new Frame(this.#received.bytes);
  readonly #fds = new Int32Array(1 + MAX_DESCRIPTORS);
  readonly #exchange: Exchange;
  readonly #isKept: boolean;
  /** A frame whose outcome is not there yet; nothing else is looked at meanwhile. */
  #pending = false;
  #ended = false;
  #isDetaching = false;
  #onThrough: () => void = () => {};
  /** Looks for the rest of a frame; see {@link #watch}. */
  #timer: NodeJS.Timeout | undefined;
  /** What is watched for at present. */
  #watched = 0;
  readonly #attention = new Attention();

  /** @param kept - where the connection outlives the process; by a former one, where it goes on */
  constructor(fd: number, device: Device, onEnd: (end: ConnectionEnd) => void, kept?: KeptConnection) {
    this.#device = device;
    this.#onEnd = onEnd;
    this.session = new Session(device);
    this.#descriptor = new Descriptor(fd);
    this.#isKept = kept !== undefined;
    this.#exchange = this.#begin(fd, kept);
    const { Readiness: ReadinessClass } = addon();
    this.#readiness = new ReadinessClass(fd, () => this.#guard(() => this.#onReady()));
    this.#watch();
  }

  #begin(fd: number, kept: KeptConnection | undefined): Exchange {
    if (kept === undefined) return new PlainExchange(fd);
    const exchange = new KeptExchange(fd, kept.repliesFd, kept.words, kept.goesOn);
    if (kept.goesOn && exchange.wasStarted) this.session.resume();
    return exchange;
  }

  /**
   * Takes no more requests in, and resolves when what is under way is through, or after that time in ms. Then the
   * connection is a successor's, and nothing is told to the device or the client.
   */
  async detach(deadlineMs: number): Promise<void> {
    this.#isDetaching = true;
    if (this.#pending && !this.#ended) {
      this.#readiness.watch(0);
      let timer: NodeJS.Timeout | undefined;
      await new Promise<void>((resolve) => {
        this.#onThrough = resolve;
        timer = setTimeout(resolve, deadlineMs);
      });
      clearTimeout(timer);
    }
    if (this.#ended) return;
    this.#ended = true;
    clearTimeout(this.#timer);
    this.#readiness.close();
    this.#descriptor.close();
    this.#received.close();
    this.#closeDescriptors();
  }

  get fd(): number {
    return this.#descriptor.fd;
  }

  /** Looks now whether the client has gone, rather than when the event loop comes to it. */
  look(): void {
    // A last request may lie before the end of the stream.
    for (let i = 0; i < 2 && !this.#pending; i++) this.#guard(() => this.#onReady());
  }

  close(): void {
    this.#end({ reason: 'gone' });
  }

  #onReady(): void {
    if (this.#isDetaching) return;
    if (this.#pending) {
      // Only a hang-up is watched for; the outcome is of no use to anybody any more.
      this.#end({ reason: 'gone' });
      return;
    }
    if (!this.#exchange.flush()) return;
    // Requests that came in while replies could not be sent.
    this.#handleComplete();
    if (!this.#ended && !this.#pending && !this.#exchange.blocked) this.#takeIn();
    this.#watch();
  }

  /** Receives once and handles what is complete. */
  #takeIn(): void {
    const received = this.#received;
    const room = received.room;
    const count = this.#exchange.receive(received.bytes, received.end, room, this.#fds);
    if (count === WOULD_BLOCK) return;
    if (count === 0) {
      this.#end({ reason: 'gone' });
      return;
    }
    received.add(count, this.#fds);
    this.#handleComplete();
    this.#attention.stay();
  }

  #handleComplete(): void {
    const received = this.#received;
    const frame = this.#frame;
    while (!this.#ended && !this.#exchange.blocked && !this.#isDetaching) {
      const size = received.frameSize;
      if (size === 0) break;
      this.#exchange.begin(size);
      frame.at = received.frameStart;
      frame.size = size;
      frame.fds = received.takeDescriptors(size);
      let pending: void | Promise<void>;
      try {
        pending = this.session.handle(frame);
      } catch (error) {
        this.#closeDescriptors();
        throw error;
      }
      if (pending !== undefined) {
        this.#pending = true;
        pending.then(
          () => this.#guard(() => this.#resume(size)),
          (error: unknown) => this.#guard(() => fail(error)),
        );
        return;
      }
      this.#finish(size);
    }
    if (!this.#ended) this.#exchange.rest();
  }

  /** The outcome of the frame that kept everything waiting is there. */
  #resume(size: number): void {
    this.#pending = false;
    this.#finish(size);
    this.#onThrough();
    this.#handleComplete();
    this.#watch();
  }

  #finish(size: number): void {
    this.#closeDescriptors();
    this.#received.skip(size);
    const { reply } = this.session;
    if (reply.size > 0) this.#exchange.send(reply.bytes, reply.size, reply.fd, this.session.started);
    this.#exchange.finish(size);
  }

  /** Those that the handler left. */
  #closeDescriptors(): void {
    const { fds } = this.#frame;
    if (fds.length === 0) return;
    this.#frame.fds = [];
    for (const fd of fds) closeSync(fd);
  }

  #watch(): void {
    if (this.#ended || this.#isDetaching) return;
    // While replies cannot be sent nothing more is taken in, so a client that does not read costs no memory.
    const unblocked = this.#exchange.blocked ? Ready.WRITABLE : Ready.READABLE;
    // Bytes that stay on the socket keep it readable: then the rest of a frame is looked for by the clock.
    const isPart = this.#isKept && !this.#exchange.blocked && !this.#pending && this.#received.waiting > 0;
    if (isPart) this.#timer ??= setTimeout(() => this.#onTimer(), PART_MS);
    const events = this.#pending || isPart ? Ready.DISCONNECT : unblocked;
    // To say the same again would cost a system call for each message.
    if (events !== this.#watched) this.#readiness.watch(events);
    this.#watched = events;
  }

  #onTimer(): void {
    this.#timer = undefined;
    if (!this.#pending) this.#guard(() => this.#onReady());
  }

  #guard(step: () => void): void {
    if (this.#ended) return;
    try {
      step();
    } catch (error) {
      const { code, message } = error as NodeJS.ErrnoException;
      if (code === 'EPIPE' || code === 'ECONNRESET') this.#end({ reason: 'gone' });
      else if (error instanceof StreamError || code !== undefined) this.#end({ reason: 'fault', message });
      else throw error;
    }
  }

  #end(end: ConnectionEnd): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#onThrough();
    clearTimeout(this.#timer);
    this.#readiness.close();
    this.#descriptor.close();
    this.#received.close();
    this.#closeDescriptors();
    this.#device.disconnected();
    this.#onEnd(end);
  }
}

function fail(error: unknown): never {
  throw error;
}
