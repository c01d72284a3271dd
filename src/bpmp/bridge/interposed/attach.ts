import { GpuvmError } from '../../../errors.js';
import { addon, WOULD_BLOCK } from '../../../native/index.js';
import type { Control } from '../bridge.js';
import { Watches } from './watches.js';

export interface Attached {
  readonly listenerFd: number;
  /** False where a signal interrupts a call that is being answered. */
  readonly waitKillable: boolean;
}

/** What the exec wrapper says with its listener; native/exec-wrapper/main.c. */
const WAIT_KILLABLE = 'k'.charCodeAt(0);

/**
 * Our side of the exec wrapper's handshake: its listener comes over the socket, and it waits for an acknowledgement
 * before it executes the VMM. The socket is closed at the end, whatever that is.
 */
export class Handshake {
  readonly #socketFd: number;
  readonly #control: Control;
  #isGivenUp = false;
  #giveUp: () => void = () => {};

  constructor(socketFd: number, control: Control) {
    this.#socketFd = socketFd;
    this.#control = control;
  }

  /** Calls `open` with the listener and then lets the wrapper execute the VMM; does nothing once it was given up. */
  async complete(open: (attached: Attached) => void): Promise<void> {
    const { fd } = this.#control;
    const watches: Watches[] = [];
    try {
      const attached = await new Promise<Attached | undefined>((resolve, reject) => {
        this.#giveUp = () => resolve(undefined);
        if (this.#isGivenUp) return resolve(undefined);
        const receive = () => {
          try {
            const received = this.#receive();
            if (received !== undefined) resolve(received);
          } catch (error) {
            reject(error);
          }
        };
        watches.push(new Watches([fd], () => this.#control.drain()), new Watches([this.#socketFd], receive));
        for (const watch of watches) watch.start();
      });
      if (attached === undefined) return;
      open(attached);
      this.#acknowledge();
    } finally {
      for (const watch of watches) watch.close();
      addon().closeFd(this.#socketFd);
    }
  }

  giveUp(): void {
    this.#isGivenUp = true;
    this.#giveUp();
  }

  #receive(): Attached | undefined {
    const mode = new Uint8Array(1);
    const fds = new Int32Array(2);
    const count = addon().unixReceive(this.#socketFd, mode, 0, 1, fds);
    if (count === WOULD_BLOCK) return undefined;
    if (count === 0 || fds[0] !== 1) {
      throw new GpuvmError(
        'GPUVM_BRIDGE',
        'gpuvm-exec ended before it handed its listener over: its own message on stderr says why',
      );
    }
    return { listenerFd: fds[1], waitKillable: mode[0] === WAIT_KILLABLE };
  }

  /** Where the wrapper is gone already, its listener says so. */
  #acknowledge(): void {
    try {
      addon().unixSend(this.#socketFd, Uint8Array.of(1), 0, 1);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EPIPE') throw error;
    }
  }
}
