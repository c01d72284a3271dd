import type { GpuvmError } from '../errors.js';
import type { EventCallback } from './events.js';
import type { QmpEvent } from './message.js';

/** How many events, and how many characters of lines, a slow reader may lag behind before the oldest are dropped. */
const MAX_LAG = 10_000;
const MAX_LAG_LENGTH = 16 * 1024 * 1024;

interface Source {
  subscribe(callback: EventCallback): () => void;
  onEnd(callback: (reason: GpuvmError) => void): () => void;
}

/** Events as an async iterator. It listens from its making, not from the first `next`, so that none is missed. */
export class EventStream<E extends QmpEvent = QmpEvent> implements AsyncIterableIterator<E, undefined> {
  readonly #queue: { readonly event: E; readonly length: number }[] = [];
  readonly #stop: (() => void)[];
  readonly #waking: (() => void)[] = [];
  #length = 0;
  #failure: unknown;
  #done = false;
  /** Events that were lost because nobody read them in time. */
  dropped = 0;

  constructor(source: Source, name: string | undefined, signal: AbortSignal | undefined) {
    const onAbort = () => this.#finish(signal?.reason);
    this.#stop = [
      source.subscribe((event, length) => {
        if (name === undefined || event.event === name) this.#push(event as E, length);
      }),
      () => signal?.removeEventListener('abort', onAbort),
    ];
    signal?.addEventListener('abort', onAbort, { once: true });
    if (signal?.aborted) onAbort();
    this.#stop.push(
      source.onEnd((reason) => this.#finish(reason.code === 'GPUVM_QMP_PROTOCOL' ? reason : undefined)),
    );
  }

  #push(event: E, length: number): void {
    this.#queue.push({ event, length });
    this.#length += length;
    while (this.#queue.length > MAX_LAG || (this.#length > MAX_LAG_LENGTH && this.#queue.length > 1)) {
      this.#shift();
      this.dropped++;
    }
    this.#waking.shift()?.();
  }

  #shift(): E | undefined {
    const first = this.#queue.shift();
    this.#length -= first?.length ?? 0;
    return first?.event;
  }

  #finish(failure: unknown): void {
    if (this.#done) return;
    for (const stop of this.#stop) stop();
    this.#done = true;
    this.#failure = failure;
    for (const wake of this.#waking.splice(0)) wake();
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  async next(): Promise<IteratorResult<E, undefined>> {
    while (true) {
      const event = this.#shift();
      if (event) return { done: false, value: event };
      if (this.#done) break;
      await new Promise<void>((resolve) => {
        this.#waking.push(resolve);
      });
    }
    const failure = this.#failure;
    this.#failure = undefined;
    if (failure !== undefined) throw failure;
    return { done: true, value: undefined };
  }

  async return(): Promise<IteratorResult<E, undefined>> {
    this.#finish(undefined);
    this.#queue.length = 0;
    this.#failure = undefined;
    return { done: true, value: undefined };
  }
}
