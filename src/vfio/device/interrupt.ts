import type { Readiness } from '../../native/index.js';
import { Ready } from '../../native/index.js';
import { SetInterrupt } from './abi.js';
import { indexBelow, wrong } from './arguments.js';
import { asking } from './failure.js';
import { Holdings } from './holdings.js';
import type { InterruptInfo } from './info.js';
import type { RegionOwner } from './region.js';

/** One vector's interrupts since the last time; several are counted as one event where they come fast. */
export interface InterruptEvent {
  readonly vector: number;
  /** How many; of a level-triggered one always 1. */
  readonly count: number;
}

export interface InterruptRequest {
  /** How many vectors, from the first. Default: 1. */
  readonly vectors?: number;
  /** Called on the event loop. What it throws is an uncaught exception, as in any listener. */
  readonly onInterrupt?: (event: InterruptEvent) => void;
}

/**
 * One kind of a device's interrupts, enabled. Told by `onInterrupt`, or by `for await`, which ends with {@link dispose};
 * what comes while nobody waits is kept, a number for each vector. It keeps the process alive as a server does.
 */
export class VfioInterrupt implements AsyncIterable<InterruptEvent> {
  readonly info: InterruptInfo;
  readonly vectors: number;
  readonly #owner: RegionOwner;
  readonly #holdings: Holdings;
  readonly #onInterrupt: ((event: InterruptEvent) => void) | undefined;
  readonly #pending = new Map<number, number>();
  readonly #waiting = new Set<() => void>();

  constructor(owner: RegionOwner, info: InterruptInfo, { vectors = 1, onInterrupt }: InterruptRequest) {
    const what = `${owner.holdings.what}, interrupt ${info.name}`;
    if (info.count === 0 || !info.hasEventfd) throw wrong(`${what}: the device has none`);
    if (!Number.isInteger(vectors) || vectors < 1 || vectors > info.count)
      throw wrong(`${what}: ${String(vectors)} vectors were asked for, and it has 1 to ${info.count}`);
    this.info = info;
    this.vectors = vectors;
    this.#owner = owner;
    this.#onInterrupt = onInterrupt;
    this.#holdings = new Holdings(what, owner.holdings);
    try {
      this.#enable();
    } catch (error) {
      this.#holdings.close();
      throw error;
    }
  }

  get isDisposed(): boolean {
    return this.#holdings.isClosed;
  }

  /** Holds a vector back; what comes meanwhile comes once with {@link unmask}. */
  mask(vector = 0): void {
    this.#set(SetInterrupt.DATA_NONE | SetInterrupt.MASK, vector, true);
  }

  /** Lets it through again; of a level-triggered one needed after each interrupt, once the device is content. */
  unmask(vector = 0): void {
    this.#set(SetInterrupt.DATA_NONE | SetInterrupt.UNMASK, vector, true);
  }

  /** Makes the kernel signal it without the device, for tests of what is behind it. */
  trigger(vector = 0): void {
    this.#set(SetInterrupt.DATA_NONE | SetInterrupt.TRIGGER, vector, false);
  }

  /**
   * The next event; undefined once disposed of, and after `timeoutMs` without one. Each event goes to one of those who
   * wait.
   */
  async next(timeoutMs?: number): Promise<InterruptEvent | undefined> {
    const end = timeoutMs === undefined ? undefined : performance.now() + timeoutMs;
    for (;;) {
      const [first] = this.#pending;
      if (first) {
        this.#pending.delete(first[0]);
        return { vector: first[0], count: first[1] };
      }
      const leftMs = end === undefined ? undefined : end - performance.now();
      if (this.isDisposed || (leftMs !== undefined && leftMs <= 0)) return undefined;
      await this.#somethingNew(leftMs);
    }
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<InterruptEvent> {
    for (;;) {
      const event = await this.next();
      if (event === undefined) return;
      yield event;
    }
  }

  /** Disables it in the device. */
  dispose(): void {
    this.#holdings.close();
  }

  [Symbol.dispose](): void {
    this.dispose();
  }

  #enable(): void {
    const { kernel, fd } = this.#owner;
    const { index } = this.info;
    const eventfds = Array.from({ length: this.vectors }, (_, vector) => this.#listen(vector));
    // Closed in the opposite order: nothing signals an eventfd that is closed.
    this.#holdings.add(() => {
      for (const wake of this.#waiting) wake();
      this.#waiting.clear();
    });
    const how = SetInterrupt.DATA_EVENTFD | SetInterrupt.TRIGGER;
    this.#ask(() => kernel.vfioSetInterrupts(fd, how, index, 0, this.vectors, Int32Array.from(eventfds)));
    const off = SetInterrupt.DATA_NONE | SetInterrupt.TRIGGER;
    this.#holdings.add(() => this.#ask(() => kernel.vfioSetInterrupts(fd, off, index, 0, 0)));
  }

  #listen(vector: number): number {
    const { kernel } = this.#owner;
    const eventfd = this.#ask(() => kernel.eventfdCreate());
    this.#holdings.add(() => kernel.closeFd(eventfd));
    const readiness: Readiness = new kernel.Readiness(eventfd, () => this.#take(vector, eventfd));
    this.#holdings.add(() => readiness.close());
    readiness.watch(Ready.READABLE);
    return eventfd;
  }

  #take(vector: number, eventfd: number): void {
    if (this.isDisposed) return;
    const count = this.#owner.kernel.eventfdDrain(eventfd);
    if (count === 0) return;
    if (this.#onInterrupt) {
      this.#onInterrupt({ vector, count });
      return;
    }
    this.#pending.set(vector, (this.#pending.get(vector) ?? 0) + count);
    for (const wake of this.#waiting) wake();
    this.#waiting.clear();
  }

  #somethingNew(timeoutMs: number | undefined): Promise<void> {
    return new Promise((resolve) => {
      const timer = timeoutMs === undefined ? undefined : setTimeout(() => wake(), timeoutMs);
      const wake = () => {
        clearTimeout(timer);
        this.#waiting.delete(wake);
        resolve();
      };
      this.#waiting.add(wake);
    });
  }

  #set(flags: number, vector: number, isMasking: boolean): void {
    this.#holdings.requireOpen();
    const { kernel, fd } = this.#owner;
    if (isMasking && !this.info.isMaskable)
      throw wrong(`${this.#holdings.what} cannot be masked: tell the device to raise none`);
    const start = indexBelow(vector, this.vectors, 'a vector');
    this.#ask(() => kernel.vfioSetInterrupts(fd, flags, this.info.index, start, 1));
  }

  #ask<T>(call: () => T): T {
    return asking(this.#holdings.what, call);
  }
}
