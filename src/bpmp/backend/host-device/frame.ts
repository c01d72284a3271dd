import { type Extent, extentOf } from '../../wire/index.js';
import type { Outcome } from '../backend.js';

/**
 * One request's use of a mailbox frame. The kernel copies as many bytes into and out of the frame as it is told, and the
 * frame keeps what other requesters, the host's own drivers among them, left in it. So a request is sent at its struct's
 * full size, and of a reply only what the struct holds is passed on.
 */
export class Frame {
  readonly tx: Uint8Array;
  readonly #extent: Extent | undefined;

  constructor(mrq: number, tx: Uint8Array) {
    this.#extent = extentOf(mrq, tx);
    const size = this.#extent?.request ?? 0;
    this.tx = tx;
    if (tx.length < size) {
      this.tx = new Uint8Array(size);
      this.tx.set(tx);
    }
  }

  /** Cuts the outcome to the reply and wipes what lies beyond. A refusal has no reply. */
  trim(outcome: Outcome, rx: Uint8Array): Outcome {
    const reply = rx.subarray(0, outcome.rxSize);
    const rxSize = outcome.ret < 0 ? 0 : (this.#extent?.reply(reply) ?? outcome.rxSize);
    reply.fill(0, rxSize);
    return { ret: outcome.ret, rxSize };
  }
}
