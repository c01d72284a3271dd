import { closeSync } from 'node:fs';
import { addon, type Readiness, Ready } from '../../../../native/index.js';
import type { Device } from '../protocol/index.js';
import { Connection } from './connection.js';
import { Listener } from './listener.js';

/** How the serving of one client ended. */
export type ServerEnd =
  /** The client's process exited or closed its connection. */
  | { readonly reason: 'gone' }
  | { readonly reason: 'closed' }
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
  #counts = { connections: 0, errorReplies: 0 };

  /**
   * Listens from now on; clients are answered from `serve` on. A socket that is left over from a process that died is
   * replaced. Throws GPUVM_BRIDGE, in one line, where the path cannot be listened at.
   */
  constructor(readonly socketPath: string) {
    this.#listener = Listener.open(socketPath);
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
    this.#counts.connections++;
    const connection = new Connection(fd, this.#device as Device, (end) => {
      this.#counts.errorReplies += connection.session.errors;
      this.#connection = undefined;
      // Somebody who only tried whether anyone answers was no guest.
      if (end.reason === 'fault' || connection.session.started) this.#stop(end);
    });
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
