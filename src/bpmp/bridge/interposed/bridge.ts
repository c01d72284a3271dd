import { constants } from 'node:os';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { ListenerEvent, type SeccompListener } from '../../../native/index.js';
import type { Bridge, BridgeEnd, Control, NamedFd } from '../bridge.js';
import { Attachment } from './attachment.js';
import { Calls, isCall } from './calls.js';
import { Delivery } from './delivery.js';
import { toDescriptors } from './descriptors.js';
import { InFlight } from './in-flight.js';
import { type Journal, openJournal } from './journal.js';
import { isSendReliable } from './kernel.js';
import { Opens } from './opens.js';
import { type Complete, type HandOver, type InterposedOptions, withDefaults } from './options.js';
import { ReplayCache } from './replay.js';
import { resumeCalls } from './resume.js';
import { Slots } from './slots.js';
import { Taken, Transfers } from './transfers.js';
import { Watches } from './watches.js';

const { errno } = constants;

const NONE = -1; // in place of a slot's number
/** The thread's event loop turns at least this often while the guest is silent, in ms, and … */
const TURN_MS = 100;
/** … after so many calls while it is not: messages, timers and the thread's own end come through. */
const TURN_CALLS = 4096;
/** So many calls are taken up in one turn of the event loop. */
const CALLS_PER_TURN = 32;

/**
 * A guest's requests by way of an unchanged VMM: its open of the device and its writes to it are notified by the kernel
 * (docs/bridges.md). While the handler answers at once, the thread blocks in one system call after another; while a
 * request waits for its backend, the thread turns its event loop, and other requests go on being served.
 */
export class InterposedBridge implements Bridge {
  readonly #options: Complete;
  readonly #control: Control;
  readonly #journal: Journal;
  readonly #slots: Slots;
  #free: number[];
  readonly #delivery: Delivery;
  readonly #inFlight: InFlight;
  readonly #calls: Calls;
  readonly #attachment: Attachment;
  readonly #counters = { timedOut: 0, abandoned: 0, repeated: 0, resent: 0 };
  #watches: Watches | undefined;
  #end: BridgeEnd | undefined;
  #isQuiescing = false;
  /** Ends the wait of the event loop. */
  #wake: () => void = () => {};

  constructor(options: InterposedOptions) {
    this.#options = withDefaults(options);
    this.#control = options.control;
    const { deadlineMs, devicePath } = this.#options;
    this.#journal = openJournal(this.#options);
    this.#attachment = new Attachment(this.#options, this.#journal);
    this.#slots = new Slots(this.#journal.memory);
    const { count } = this.#slots;
    this.#free = Array.from({ length: count }, (_, index) => count - 1 - index);
    const replay = new ReplayCache();
    this.#delivery = new Delivery(this.#slots, replay);
    this.#inFlight = new InFlight(deadlineMs, (slot) => this.#onOverdue(slot));
    const transfers = new Transfers({
      slots: this.#slots,
      handler: options.handler,
      inFlight: this.#inFlight,
      replay,
      // One more slot than can be in flight, so that there is always one to refuse a request from.
      maxInFlight: count - 1,
      onAnswer: (slot) => this.#guard(() => this.#sendAlone(slot)),
      onFree: (slot) => this.#release(slot),
    });
    this.#calls = new Calls(this.#slots, new Opens(this.#slots, devicePath), transfers);
  }

  async serve(): Promise<BridgeEnd> {
    try {
      await this.#attachment.open();
      const { listener, waitKillable } = this.#attachment;
      this.#delivery.isReliable = isSendReliable(waitKillable);
      if (listener && 'takeOver' in this.#options) this.#resume(listener);
      while (this.#end === undefined) {
        this.#serveBlocking();
        if (this.#inFlight.waiting > 0) await this.#serveFromLoop();
        if (this.#isQuiescing && this.#inFlight.waiting === 0) this.#finish({ reason: 'handed-over' });
        this.#attachment.offer();
        await nextTurn();
      }
    } catch (error) {
      this.#fault(error);
    }
    this.#cleanUp();
    return this.#end ?? { reason: 'closed' };
  }

  close(): void {
    this.#finish({ reason: 'closed' });
  }

  descriptors(): NamedFd[] {
    const handOver = this.handOver();
    return handOver === undefined ? [] : toDescriptors(handOver);
  }

  quiesce(deadlineMs: number): void {
    this.#isQuiescing = true;
    this.#watches?.stop();
    setTimeout(() => this.#finish({ reason: 'handed-over' }), deadlineMs).unref();
  }

  stats(): Record<string, number> {
    return {
      ...this.#calls.counters,
      ...this.#delivery.counters,
      ...this.#counters,
      ...this.#attachment.stats(),
      inFlight: this.#inFlight.size,
    };
  }

  /** What a successor needs; undefined before the VMM is there. Its descriptors are open until `serve` settles. */
  handOver(): HandOver | undefined {
    return this.#attachment.handOver();
  }

  /** What a former owner received and did not answer, or may not have. */
  #resume(listener: SeccompListener): void {
    const { answered, later } = resumeCalls(listener, this.#slots, this.#calls, this.#counters);
    for (const slot of answered) this.#sendAlone(slot);
    this.#free = this.#free.filter((slot) => !later.has(slot));
  }

  /** Until something needs the event loop: a request in flight, the end, or its turn. */
  #serveBlocking(): void {
    const { listener } = this.#attachment;
    let reply = NONE;
    for (let calls = TURN_CALLS; listener !== undefined && this.#end === undefined; calls--) {
      // A loaded guest gets its last answer before the loop turns.
      const takes = calls > 0 && this.#inFlight.waiting === 0 && !this.#isQuiescing;
      const slot = takes ? this.#free[this.#free.length - 1] : NONE;
      if (slot === NONE && reply === NONE) return;
      if (reply !== NONE) this.#delivery.sending(reply);
      const event = listener.next(reply, slot, TURN_MS);
      if (event === ListenerEvent.LOST) {
        this.#delivery.lost(reply);
        reply = NONE;
      } else if (
        event === ListenerEvent.WRITE ||
        event === ListenerEvent.OPEN ||
        event === ListenerEvent.OTHER
      ) {
        reply = this.#take(event, slot);
      } else {
        this.#onQuiet(event);
        if (event !== ListenerEvent.CONTROL) return;
        reply = NONE;
      }
    }
  }

  /** Until no guest waits for a backend. */
  async #serveFromLoop(): Promise<void> {
    const { listener } = this.#attachment;
    if (listener === undefined) return;
    const drained = new Promise<void>((resolve) => {
      this.#wake = resolve;
    });
    this.#watches ??= new Watches([listener.fd, this.#control.fd], () =>
      this.#guard(() => this.#pump(listener)),
    );
    if (!this.#isQuiescing) this.#watches.start();
    await drained;
    this.#watches.stop();
  }

  #pump(listener: SeccompListener): void {
    for (let calls = CALLS_PER_TURN; calls > 0 && this.#end === undefined; calls--) {
      const slot = this.#free[this.#free.length - 1];
      const event = listener.next(NONE, slot, 0);
      if (isCall(event)) {
        const reply = this.#take(event, slot);
        if (reply !== NONE) this.#sendAlone(reply);
      } else {
        this.#onQuiet(event);
        if (event !== ListenerEvent.CONTROL) return;
      }
    }
  }

  /** The slot that holds an answer now, or NONE. */
  #take(event: ListenerEvent, slot: number): number {
    const taken = this.#calls.take(event, slot);
    if (taken === Taken.LATER) this.#free.pop();
    return taken === Taken.ANSWERED ? slot : NONE;
  }

  #sendAlone(slot: number): void {
    this.#delivery.sending(slot);
    if (this.#attachment.listener?.next(slot, NONE, 0) === ListenerEvent.LOST) this.#delivery.lost(slot);
  }

  #onQuiet(event: ListenerEvent): void {
    if (event === ListenerEvent.CONTROL) this.#control.drain();
    else if (event === ListenerEvent.GONE) this.#finish({ reason: 'guest-gone' });
  }

  #onOverdue(slot: number): void {
    this.#counters.timedOut++;
    this.#slots.answerError(slot, errno.ETIMEDOUT);
    this.#guard(() => this.#sendAlone(slot));
    if (this.#inFlight.waiting === 0) this.#wake();
  }

  #release(slot: number): void {
    this.#free.push(slot);
    if (this.#inFlight.waiting === 0) this.#wake();
  }

  #finish(end: BridgeEnd): void {
    this.#end ??= end;
    this.#attachment.giveUp();
    this.#wake();
  }

  #fault(error: unknown): void {
    this.#finish({ reason: 'fault', message: error instanceof Error ? error.message : String(error) });
  }

  /** For what the event loop calls: an error ends the service, not the thread. */
  #guard(body: () => void): void {
    if (this.#end !== undefined) return;
    try {
      body();
    } catch (error) {
      this.#fault(error);
    }
  }

  #cleanUp(): void {
    this.#inFlight.giveUpAll();
    this.#inFlight.stop();
    this.#watches?.close();
    this.#attachment.close();
  }
}
