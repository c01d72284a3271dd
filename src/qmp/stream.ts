import type { GpuvmError } from '../errors.js';
import type { QmpEvent } from './message.js';

/** How many events a slow reader may lag behind before the oldest are dropped. */
const MAX_LAG = 10_000;

interface Source {
  subscribe(callback: (event: QmpEvent) => void): () => void;
  onEnd(callback: (reason: GpuvmError) => void): () => void;
}

/** Events as an async iterator. It listens from its making, not from the first `next`, so that none is missed. */
export class EventStream implements AsyncIterableIterator<QmpEvent> {
  readonly #queue: QmpEvent[] = [];
  readonly #stop: (() => void)[];
  #reason: GpuvmError | undefined;
  #done = false;
  #wake: () => void = () => {};
  /** Events that were lost because nobody read them in time. */
  dropped = 0;

  constructor(source: Source, name: string | undefined) {
    this.#stop = [
      source.subscribe((event) => {
        if (name === undefined || event.event === name) this.#push(event);
      }),
      source.onEnd((reason) => {
        this.#reason = reason;
        this.#finish();
      }),
    ];
  }

  #push(event: QmpEvent): void {
    if (this.#queue.push(event) > MAX_LAG) {
      this.#queue.shift();
      this.dropped++;
    }
    this.#wake();
  }

  #finish(): void {
    this.#done = true;
    this.#wake();
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  async next(): Promise<IteratorResult<QmpEvent, undefined>> {
    while (true) {
      const event = this.#queue.shift();
      if (event) return { done: false, value: event };
      if (this.#done) break;
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
    const reason = this.#reason;
    this.#reason = undefined;
    if (reason?.code === 'GPUVM_QMP_PROTOCOL') throw reason;
    return { done: true, value: undefined };
  }

  async return(): Promise<IteratorResult<QmpEvent, undefined>> {
    for (const stop of this.#stop) stop();
    this.#queue.length = 0;
    this.#reason = undefined;
    this.#finish();
    return { done: true, value: undefined };
  }
}
