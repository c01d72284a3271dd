import { addon } from '../../../../native/index.js';
import { Sending } from './sending.js';

/** One connection's bytes: how they are taken off the socket, and how replies are put on it. */
export interface Exchange {
  /** As the addon's `unixReceive`. */
  receive(into: Uint8Array, at: number, room: number, fds: Int32Array): number;
  /** A frame of that size is about to be handled. */
  begin(size: number): void;
  /** Its reply; the bytes and the descriptor (-1 for none) stay the caller's. */
  send(bytes: Uint8Array, size: number, fd: number, isStarted: boolean): void;
  /** It has been dealt with, but for what {@link blocked} says of its reply. */
  finish(size: number): void;
  /** Nothing more of what was received will be handled for now. */
  rest(): void;
  /** Whether a reply waits for the socket; nothing may be handled meanwhile. */
  readonly blocked: boolean;
  /** Tries to send what waits; true once nothing does. */
  flush(): boolean;
}

/** The bytes are the process's own as soon as they came, and are lost with it. */
export class PlainExchange implements Exchange {
  readonly #fd: number;
  readonly #sending: Sending;

  constructor(fd: number) {
    this.#fd = fd;
    this.#sending = new Sending(fd);
  }

  receive(into: Uint8Array, at: number, room: number, fds: Int32Array): number {
    return addon().unixReceive(this.#fd, into, at, room, fds);
  }

  begin(): void {}

  send(bytes: Uint8Array, size: number, fd: number): void {
    this.#sending.send(bytes, size, fd);
  }

  finish(): void {}

  rest(): void {}

  get blocked(): boolean {
    return this.#sending.blocked;
  }

  flush(): boolean {
    return this.#sending.flush();
  }
}
