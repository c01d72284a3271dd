import { addon, WOULD_BLOCK } from '../../../../native/index.js';

const NOTHING = new Uint8Array(0);

/** Sends replies; what the socket does not take at once waits here, and no further reply is made until it is gone. */
export class Sending {
  #rest = NOTHING;
  /** Beside the first byte of the rest, where that byte has not gone yet. */
  #fds: Int32Array | undefined;
  readonly #oneFd = new Int32Array(1);

  constructor(readonly fd: number) {}

  /** Whether something waits. */
  get blocked(): boolean {
    return this.#rest.length > 0;
  }

  /** `bytes` and `fd` stay the caller's: what must wait is copied. Only to be called while nothing is blocked. */
  send(bytes: Uint8Array, size: number, fd: number): void {
    let fds: Int32Array | undefined;
    if (fd >= 0) {
      this.#oneFd[0] = fd;
      fds = this.#oneFd;
    }
    const sent = addon().unixSend(this.fd, bytes, 0, size, fds);
    if (sent === size) return;
    this.#rest = bytes.slice(sent === WOULD_BLOCK ? 0 : sent, size);
    // With the first byte its descriptors are gone too.
    this.#fds = sent === WOULD_BLOCK ? fds : undefined;
  }

  /** Tries to send the rest; true once nothing waits. */
  flush(): boolean {
    while (this.blocked) {
      const sent = addon().unixSend(this.fd, this.#rest, 0, this.#rest.length, this.#fds);
      if (sent === WOULD_BLOCK) return false;
      this.#fds = undefined;
      this.#rest = this.#rest.subarray(sent);
    }
    return true;
  }
}
