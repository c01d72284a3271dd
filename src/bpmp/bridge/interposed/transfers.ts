import { constants } from 'node:os';
import type { Outcome } from '../../backend/backend.js';
import { BpmpError } from '../../wire/index.js';
import type { RequestHandler } from '../bridge.js';
import type { InFlight } from './in-flight.js';
import { isRepeat } from './repeat.js';
import type { ReplayCache } from './replay.js';
import type { Slots } from './slots.js';

const { errno } = constants;

/** What became of a request: its answer is in its slot, comes later, or is another slot's affair. */
export const Taken = { ANSWERED: 0, LATER: 1, MOVED: 2 } as const;
export type Taken = (typeof Taken)[keyof typeof Taken];

interface TransfersOptions {
  readonly slots: Slots;
  readonly handler: RequestHandler;
  readonly inFlight: InFlight;
  readonly replay: ReplayCache;
  readonly maxInFlight: number;
  /** The answer to a request taken as LATER is in its slot; not called for one that was given up. */
  readonly onAnswer: (slot: number) => void;
  /** A slot taken as LATER is free. */
  readonly onFree: (slot: number) => void;
}

/** Requests on their way from a slot to the handler and back: what is executed, and what is only answered. */
export class Transfers {
  readonly #options: TransfersOptions;
  readonly #slots: Slots;
  readonly #handler: RequestHandler;
  readonly #inFlight: InFlight;
  readonly #replay: ReplayCache;
  readonly counters = { requests: 0, malformed: 0, replayed: 0, rejoined: 0, refused: 0, failed: 0 };

  constructor(options: TransfersOptions) {
    this.#options = options;
    this.#slots = options.slots;
    this.#handler = options.handler;
    this.#inFlight = options.inFlight;
    this.#replay = options.replay;
  }

  take(slot: number): Taken {
    if (this.#replay.size > 0 || this.#inFlight.size > 0) {
      const taken = this.#takeRepeat(slot);
      if (taken !== undefined) return taken;
    }
    const fault = this.#slots.fault(slot);
    if (fault !== 0) return this.#refuse(slot, fault);
    if (this.#inFlight.size >= this.#options.maxInFlight) {
      this.counters.refused++;
      return this.#answer(slot, { ret: BpmpError.EAGAIN, rxSize: 0 });
    }
    this.counters.requests++;
    const slots = this.#slots;
    slots.handed(slot);
    try {
      const outcome = this.#handler.handle(
        slots.mrq(slot),
        slots.tx(slot),
        slots.rx(slot),
        slots.thread(slot),
      );
      return outcome instanceof Promise ? this.#await(slot, outcome) : this.#answer(slot, outcome);
    } catch {
      return this.#fail(slot);
    }
  }

  /** Not executed a second time: the restart of a call whose answer was lost, or is still being made. */
  #takeRepeat(slot: number): Taken | undefined {
    const slots = this.#slots;
    const thread = slots.thread(slot);
    const kept = this.#replay.take(thread, slots.bytes(slot), performance.now());
    if (kept !== undefined) {
      this.counters.replayed++;
      slots.copyAnswer(slot, kept);
      return Taken.ANSWERED;
    }
    const earlier = this.#inFlight.of(thread);
    if (earlier === undefined) return undefined;
    if (isRepeat(slots.bytes(earlier), slots.bytes(slot))) {
      this.counters.rejoined++;
      slots.moveCall(slot, earlier);
      return Taken.MOVED;
    }
    // The thread is back with something else, so it has given the earlier request up.
    slots.forgetCall(earlier);
    this.#inFlight.giveUp(earlier);
    return undefined;
  }

  #await(slot: number, promise: Promise<Outcome>): Taken {
    this.#inFlight.add(slot, this.#slots.thread(slot));
    promise.then(
      (outcome) => this.#settle(slot, () => this.#answer(slot, outcome)),
      () => this.#settle(slot, () => this.#fail(slot)),
    );
    return Taken.LATER;
  }

  #settle(slot: number, answer: () => void): void {
    if (this.#inFlight.settle(slot)) {
      answer();
      this.#options.onAnswer(slot);
    }
    this.#options.onFree(slot);
  }

  #answer(slot: number, { ret, rxSize }: Outcome): Taken {
    this.#slots.answerTransfer(slot, ret, rxSize);
    return Taken.ANSWERED;
  }

  /** A handler that throws has a defect; its guest gets an error, and the others go on. */
  #fail(slot: number): Taken {
    this.counters.failed++;
    this.#slots.answerError(slot, errno.EIO);
    return Taken.ANSWERED;
  }

  #refuse(slot: number, fault: number): Taken {
    this.counters.malformed++;
    const slots = this.#slots;
    const reason =
      fault === errno.EINVAL
        ? `tx.size ${slots.messageSize(slot, 'tx')}, rx.size ${slots.messageSize(slot, 'rx')}: at most 512 each`
        : 'the message or its tx cannot be read';
    try {
      this.#handler.malformed(slots.mrq(slot), reason, slots.thread(slot));
    } catch {
      this.counters.failed++;
    }
    slots.answerError(slot, fault);
    return Taken.ANSWERED;
  }
}
