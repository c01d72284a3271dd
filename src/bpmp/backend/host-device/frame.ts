import { type Extent, extentOf } from '../../wire/index.js';
import type { Outcome } from '../backend.js';

/** What a frame carries, and so what the firmware sees of any request. */
const FRAME_SIZE = 120;

/**
 * One request's use of a mailbox frame. The kernel copies as many bytes into and out of the frame as it is told, and the
 * frame keeps what other requesters, the host's own drivers among them, left in it. So a request is sent at its struct's
 * full size, and of a reply only what the struct holds is passed on.
 */
export class Frame {
  readonly tx: Uint8Array;
  readonly #extent: Extent | undefined;

  constructor(mrq: number, tx: Uint8Array) {
    const extent = extentOf(mrq, tx);
    this.tx = filledTo(extent?.request ?? FRAME_SIZE, tx);
    // One that was cut short is whole now. Of what is not known at all, the firmware may have read and written all.
    this.#extent = extent ?? extentOf(mrq, this.tx);
  }

  /** Cuts the outcome to the reply and wipes what lies beyond. A refusal has no reply. */
  trim(outcome: Outcome, rx: Uint8Array): Outcome {
    const reply = rx.subarray(0, outcome.rxSize);
    const rxSize = outcome.ret < 0 ? 0 : (this.#extent?.reply(reply) ?? outcome.rxSize);
    reply.fill(0, rxSize);
    return { ret: outcome.ret, rxSize };
  }
}

function filledTo(size: number, tx: Uint8Array): Uint8Array {
  if (tx.length >= size) return tx;
  const filled = new Uint8Array(size);
  filled.set(tx);
  return filled;
}
