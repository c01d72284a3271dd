import { GpuvmError } from '../../../errors.js';
import { addon, type Readiness, Ready, WOULD_BLOCK } from '../../../native/index.js';

export interface Attached {
  readonly listenerFd: number;
  /** False where a signal interrupts a call that is being answered. */
  readonly waitKillable: boolean;
}

/** What the exec wrapper says with its listener; native/exec-wrapper/main.c. */
const WAIT_KILLABLE = 'k'.charCodeAt(0);

/**
 * Our side of the exec wrapper's handshake: its listener comes over the socket, and it waits for an acknowledgement
 * before it executes the VMM.
 */
export class Handshake {
  readonly #socketFd: number;
  readonly #readiness: Readiness;
  #settle: (attached: Attached | undefined) => void = () => {};
  #fail: (error: unknown) => void = () => {};
  /** Undefined where it was given up. */
  readonly attached: Promise<Attached | undefined>;

  constructor(socketFd: number) {
    this.#socketFd = socketFd;
    this.attached = new Promise((resolve, reject) => {
      this.#settle = resolve;
      this.#fail = reject;
    });
    this.#readiness = new (addon().Readiness)(socketFd, () => this.#receive());
    this.#readiness.watch(Ready.READABLE | Ready.DISCONNECT);
  }

  giveUp(): void {
    this.#readiness.close();
    this.#settle(undefined);
  }

  /** Lets the wrapper execute the VMM. Where the wrapper is gone already, its listener says so. */
  acknowledge(): void {
    try {
      addon().unixSend(this.#socketFd, Uint8Array.of(1), 0, 1);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EPIPE') throw error;
    }
  }

  #receive(): void {
    const mode = new Uint8Array(1);
    const fds = new Int32Array(2);
    try {
      const count = addon().unixReceive(this.#socketFd, mode, 0, 1, fds);
      if (count === WOULD_BLOCK) return;
      this.#readiness.close();
      if (count === 0 || fds[0] !== 1) throw handOverError();
      this.#settle({ listenerFd: fds[1], waitKillable: mode[0] === WAIT_KILLABLE });
    } catch (error) {
      this.#readiness.close();
      this.#fail(error);
    }
  }
}

function handOverError(): GpuvmError {
  return new GpuvmError(
    'GPUVM_BRIDGE',
    'gpuvm-exec ended before it handed its listener over: its own message on stderr says why',
  );
}
