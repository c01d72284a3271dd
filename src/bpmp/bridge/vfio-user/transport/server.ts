import { closeSync } from 'node:fs';
import { addon, type Readiness, Ready } from '../../../../native/index.js';
import type { Keep, NamedFd } from '../memory/keep.js';
import type { Device } from '../protocol/index.js';
import { Connection, type KeptConnection } from './connection.js';
import { KEPT_WORDS, Kept, REPLIES_SIZE } from './kept-exchange.js';
import { Listener } from './listener.js';

/** How the serving of one client ended. */
export type ServerEnd =
  /** The client's process exited or closed its connection. */
  | { readonly reason: 'gone' }
  | { readonly reason: 'closed' }
  /** A successor serves it. */
  | { readonly reason: 'handed-over' }
  /** The client broke the protocol, or the kernel refused; `message` is one line. */
  | { readonly reason: 'fault'; readonly message: string };

/**
 * One device at one Unix socket, for one client at a time: a VMM connects once and never again, so when it goes, its
 * guest has gone.
 */
export class DeviceServer {
  readonly #listener: Listener;
  #device: Device | undefined;
  #readiness: Readiness | undefined;
  #connection: Connection | undefined;
  #finish: ((end: ServerEnd) => void) | undefined;
  #closed = false;
  readonly #kept: KeptServer | undefined;
  #counts = { connections: 0, errorReplies: 0 };

  /**
   * Listens from now on; clients are answered from `serve` on. A socket that is left over from a process that died is
   * replaced. Throws GPUVM_BRIDGE, in one line, where the path cannot be listened at.
   * @param keep - @internal where its state outlives the process, with its name there
   * @param listenerFd - one that listens at the path already, and is this server's from here on
   */
  constructor(
    readonly socketPath: string,
    keep?: { readonly in: Keep; readonly name: string },
    listenerFd?: number,
  ) {
    this.#kept = keep && new KeptServer(keep.in, keep.name);
    const listener = this.#kept?.takenListener ?? listenerFd;
    this.#listener =
      listener === undefined ? Listener.open(socketPath) : Listener.adopt(socketPath, listener);
  }

  /** @internal What a successor needs. */
  get descriptors(): NamedFd[] {
    return this.#kept?.descriptors(this.#listener.fd, this.#connection?.fd) ?? [];
  }

  /** @internal The mark of the transfer under way, which the device sets; see `Kept.TRANSFER`. */
  get transferMark(): Int32Array | undefined {
    return this.#kept?.words.subarray(Kept.TRANSFER, Kept.TRANSFER + 1);
  }

  /** @internal Lets a successor serve; `serve` resolves with `handed-over`. */
  async detach(deadlineMs: number): Promise<void> {
    const finish = this.#finish;
    if (finish === undefined) return;
    this.#readiness?.close();
    await this.#connection?.detach(deadlineMs);
    this.#listener.detach();
    this.#closed = true;
    this.#finish = undefined;
    finish({ reason: 'handed-over' });
  }

  /**
   * Serves `device` to the next client until that has gone, or `close` is called; never rejects. May be called again
   * afterwards, for the next client, which waits in the socket's queue meanwhile. {@link counts} start anew.
   */
  serve(device: Device): Promise<ServerEnd> {
    return new Promise((resolve) => {
      if (this.#closed) {
        resolve({ reason: 'closed' });
        return;
      }
      if (this.#finish !== undefined) throw new Error(`${this.socketPath} is being served already`);
      this.#device = device;
      this.#finish = resolve;
      this.#counts = { connections: 0, errorReplies: 0 };
      const { Readiness: ReadinessClass } = addon();
      this.#readiness = new ReadinessClass(this.#listener.fd, () => this.#accept());
      this.#readiness.watch(Ready.READABLE);
      const taken = this.#kept?.takenConnection();
      if (taken !== undefined) this.#connect(taken.fd, taken.kept);
    });
  }

  /** Of the client that is, or was, served. */
  get counts(): { readonly connections: number; readonly errorReplies: number } {
    const { connections, errorReplies } = this.#counts;
    return { connections, errorReplies: errorReplies + (this.#connection?.session.errors ?? 0) };
  }

  /** Ends the connection that is there; `serve` resolves with `gone`. The socket stays. */
  disconnect(): void {
    this.#stop({ reason: 'gone' });
  }

  /** Ends everything and removes the socket; may be called twice. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#stop({ reason: 'closed' });
    this.#listener.close();
  }

  #accept(): void {
    // The event loop may tell of the next client before it tells that the last one has gone.
    this.#connection?.look();
    if (this.#finish === undefined) return;
    let fd: number | undefined;
    try {
      fd = this.#listener.accept();
    } catch (error) {
      this.#stop({ reason: 'fault', message: (error as Error).message });
      return;
    }
    if (fd === undefined) return;
    if (this.#connection !== undefined) {
      // A second client at a time would be a second guest in the same device.
      closeSync(fd);
      return;
    }
    this.#connect(fd, this.#kept?.newConnection());
    this.#kept?.connected();
  }

  #connect(fd: number, kept: KeptConnection | undefined): void {
    this.#counts.connections++;
    const connection = new Connection(
      fd,
      this.#device as Device,
      (end) => {
        this.#counts.errorReplies += connection.session.errors;
        this.#connection = undefined;
        this.#kept?.disconnected();
        // Somebody who only tried whether anyone answers was no guest.
        if (end.reason === 'fault' || connection.session.started) this.#stop(end);
      },
      kept,
    );
    this.#connection = connection;
  }

  #stop(end: ServerEnd): void {
    const finish = this.#finish;
    if (finish === undefined) return;
    this.#finish = undefined;
    this.#readiness?.close();
    this.#connection?.close();
    finish(end);
  }
}

/** What is kept of a server: its descriptors by name, and its connection's words. */
class KeptServer {
  readonly words: Int32Array;
  readonly #keep: Keep;
  readonly #name: string;
  /** The number of the present connection, 0 for none, and of the last one. */
  readonly #numbers: Int32Array;
  #repliesFd = -1;

  constructor(keep: Keep, name: string) {
    this.#keep = keep;
    this.#name = name;
    this.#numbers = keep.words(2);
    this.words = keep.words(KEPT_WORDS);
    if (keep.goesOn && this.#numbers[0] !== 0) this.takenConnection();
  }

  get takenListener(): number | undefined {
    return this.#keep.goesOn ? this.#keep.needed(`${this.#name}.listener`) : undefined;
  }

  takenConnection(): { readonly fd: number; readonly kept: KeptConnection } | undefined {
    if (!this.#keep.goesOn || this.#numbers[0] === 0) return undefined;
    const fd = this.#keep.needed(this.#nameOf('connection'));
    this.#repliesFd = this.#keep.needed(this.#nameOf('replies'));
    return { fd, kept: { repliesFd: this.#repliesFd, words: this.words, goesOn: true } };
  }

  newConnection(): KeptConnection {
    this.#repliesFd = addon().createMemory('gpuvm-replies', REPLIES_SIZE);
    return { repliesFd: this.#repliesFd, words: this.words, goesOn: false };
  }

  connected(): void {
    this.#numbers[1]++;
    this.#numbers[0] = this.#numbers[1];
    this.#keep.onDescriptors();
  }

  disconnected(): void {
    this.#numbers[0] = 0;
    if (this.#repliesFd >= 0) closeSync(this.#repliesFd);
    this.#repliesFd = -1;
    this.#keep.onDescriptors();
  }

  descriptors(listenerFd: number, connectionFd: number | undefined): NamedFd[] {
    const listener = listenerFd < 0 ? [] : [{ name: `${this.#name}.listener`, fd: listenerFd }];
    if (connectionFd === undefined || connectionFd < 0) return listener;
    return [
      ...listener,
      { name: this.#nameOf('connection'), fd: connectionFd },
      { name: this.#nameOf('replies'), fd: this.#repliesFd },
    ];
  }

  #nameOf(what: 'connection' | 'replies'): string {
    return `${this.#name}.${what}.${this.#numbers[0]}`;
  }
}
