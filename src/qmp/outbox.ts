import type { Socket } from 'node:net';
import { addon, WOULD_BLOCK } from '../native/index.js';
import { descriptorOf } from './inlet.js';

/** One command's line on its way out, with the descriptors that go beside its first byte. */
interface Letter {
  readonly id: number;
  readonly line: string;
  readonly fds: readonly number[];
}

/** How soon to look again where QEMU does not take bytes just now. */
const AGAIN_MS = 1;

/**
 * What goes out, in order. A line without descriptors is written at once by Node's own socket, unless one with
 * descriptors waits before it. Those are sent by sendmsg(2) on the same socket, once Node has nothing left to write, and
 * one at a time: QEMU keeps the descriptors of the last message alone, and would close those of a command that it has
 * read and not run yet.
 */
export class Outbox {
  readonly #socket: Socket;
  /** Told where a letter could not be sent and never will be. */
  readonly #onFailure: (id: number, cause: unknown) => void;
  #held: Letter[] = [];
  /** The command that was sent with descriptors and not answered yet. */
  #withDescriptors: number | undefined;
  #timer: NodeJS.Timeout | undefined;

  constructor(socket: Socket, onFailure: (id: number, cause: unknown) => void, withDescriptors?: number) {
    this.#socket = socket;
    this.#onFailure = onFailure;
    this.#withDescriptors = withDescriptors;
  }

  /** Bytes (characters, of what is held) that the other side has not taken. */
  get backlog(): number {
    return this.#held.reduce((sum, { line }) => sum + line.length, this.#socket.writableLength);
  }

  get withDescriptors(): number | undefined {
    return this.#withDescriptors;
  }

  /** Sends in order; one that is `urgent` and has no descriptors passes those that are held. */
  send(id: number, line: string, fds: readonly number[] = [], urgent = false): void {
    if (fds.length === 0 && (urgent || this.#held.length === 0)) {
      this.#socket.write(line);
      return;
    }
    this.#held.push({ id, line, fds });
    this.#pump();
  }

  /** Takes a command back: true where nothing of it was sent. */
  takeBack(id: number): boolean {
    const before = this.#held.length;
    this.#held = this.#held.filter((letter) => letter.id !== id);
    if (this.#held.length === before) return false;
    this.#pump();
    return true;
  }

  /** All that is held, which then is nobody's. */
  takeBackAll(): readonly number[] {
    clearTimeout(this.#timer);
    return this.#held.splice(0).map(({ id }) => id);
  }

  answered(id: unknown): void {
    if (this.#withDescriptors === undefined || this.#withDescriptors !== id) return;
    this.#withDescriptors = undefined;
    this.#pump();
  }

  /** Resolves when Node has handed all that was written to the kernel. */
  async flushed(signal: AbortSignal): Promise<void> {
    while (this.#socket.writableLength > 0) {
      signal.throwIfAborted();
      await new Promise((resolve) => setTimeout(resolve, AGAIN_MS));
    }
  }

  #pump(): void {
    clearTimeout(this.#timer);
    for (let first = this.#held[0]; first !== undefined; first = this.#held[0]) {
      if (this.#socket.destroyed) return;
      if (first.fds.length > 0) {
        if (this.#withDescriptors !== undefined) return;
        if (!this.#pass(first)) {
          this.#timer = setTimeout(() => this.#pump(), AGAIN_MS);
          return;
        }
      } else this.#socket.write(first.line);
      this.#held.shift();
    }
  }

  /** Sends a line with its descriptors: false where it has to wait. */
  #pass({ id, line, fds }: Letter): boolean {
    if (this.#socket.writableLength > 0) return false;
    const bytes = Buffer.from(line);
    let sent: number;
    try {
      sent = addon().unixSend(descriptorOf(this.#socket), bytes, 0, bytes.length, Int32Array.from(fds));
    } catch (cause) {
      this.#onFailure(id, cause);
      return true;
    }
    if (sent === WOULD_BLOCK) return false;
    this.#withDescriptors = id;
    if (sent < bytes.length) this.#socket.write(bytes.subarray(sent));
    return true;
  }
}
