import { GpuvmError } from '../errors.js';
import { LONGEST_TIMER_MS } from './deadlines.js';
import type { QmpEvent } from './message.js';
import { EventStream } from './stream.js';
import type { DataOf, EventName } from './types.js';

export interface EventWait {
  readonly deadlineMs?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

const MAX_HELD = 10_000;

/** Called with each event, and with the length of the line that it came in. */
export type EventCallback = (event: QmpEvent, lineLength: number) => void;

/** Hands events on to callbacks, iterators and those who wait for one. */
export class EventHub {
  readonly #callbacks = new Set<EventCallback>();
  readonly #onEnd = new Set<(reason: GpuvmError) => void>();
  #ended: GpuvmError | undefined;
  /** While set, events are kept for those who will listen. */
  #held: { readonly event: QmpEvent; readonly lineLength: number }[] | undefined;

  /** Keeps events, the first of them where they are too many, until `release`. */
  hold(): void {
    this.#held ??= [];
  }

  release(): void {
    const held = this.#held ?? [];
    this.#held = undefined;
    for (const { event, lineLength } of held) this.emit(event, lineLength);
  }

  emit(event: QmpEvent, lineLength: number): void {
    if (this.#held) {
      if (this.#held.length < MAX_HELD) this.#held.push({ event, lineLength });
      return;
    }
    for (const callback of this.#callbacks) {
      try {
        callback(event, lineLength);
      } catch (error) {
        // A mistake of one listener's is the program's to hear of; the others and the connection go on.
        queueMicrotask(() => {
          throw error;
        });
      }
    }
  }

  end(reason: GpuvmError): void {
    this.release();
    this.#ended = reason;
    for (const callback of this.#onEnd) callback(reason);
    this.#onEnd.clear();
    this.#callbacks.clear();
  }

  /** Calls back for each event; returns what stops it. */
  subscribe(callback: EventCallback): () => void {
    // One function may be subscribed twice, and then is called and stopped twice.
    const own: EventCallback = (event, lineLength) => callback(event, lineLength);
    this.#callbacks.add(own);
    return () => void this.#callbacks.delete(own);
  }

  /** The next event of this name that `matches` takes. Listens from the moment of the call. */
  waitFor<E extends EventName>(
    name: E,
    matches: (data: DataOf<E>) => boolean,
    { deadlineMs, signal }: EventWait,
  ): Promise<QmpEvent<DataOf<E>>> {
    const { promise, resolve, reject } = defer<QmpEvent<DataOf<E>>>();
    const stop = this.subscribe((event) => {
      try {
        if (event.event === name && matches(event.data as DataOf<E>)) resolve(event as QmpEvent<DataOf<E>>);
      } catch (error) {
        reject(error);
      }
    });
    const onAbort = () => reject(signal?.reason);
    const stopEnd = this.onEnd((reason) => reject(ended(name, reason)));
    signal?.addEventListener('abort', onAbort, { once: true });
    const timer =
      deadlineMs === undefined || deadlineMs > LONGEST_TIMER_MS
        ? undefined
        : setTimeout(() => reject(missed(name, deadlineMs)), deadlineMs);
    if (signal?.aborted) reject(signal.reason);
    const settled = promise.finally(() => {
      clearTimeout(timer);
      stop();
      stopEnd();
      signal?.removeEventListener('abort', onAbort);
    });
    // A wait is made before the command that causes the event; where that command fails first, the caller hears of
    // it from there and never awaits this.
    settled.catch(() => undefined);
    return settled;
  }

  /** Events from the call on, until the connection ends; a fault of the connection is thrown, its close is not. */
  stream<E extends EventName>(name?: E, signal?: AbortSignal): EventStream<QmpEvent<DataOf<E>>> {
    return new EventStream<QmpEvent<DataOf<E>>>(this, name, signal);
  }

  /** Calls back once, at the end or now where it came already; returns what takes it back. */
  onEnd(callback: (reason: GpuvmError) => void): () => void {
    if (this.#ended) callback(this.#ended);
    else this.#onEnd.add(callback);
    return () => void this.#onEnd.delete(callback);
  }
}

function defer<T>() {
  let resolve!: (value: T) => void;
  let reject!: (reason: unknown) => void;
  const promise = new Promise<T>((yes, no) => {
    resolve = yes;
    reject = no;
  });
  return { promise, resolve, reject };
}

function ended(name: string, reason: GpuvmError): GpuvmError {
  return new GpuvmError(reason.code, `${name} did not come: ${reason.message}`, {
    cause: reason,
    details: { ...reason.details, event: name },
  });
}

function missed(name: string, deadlineMs: number): GpuvmError {
  return new GpuvmError('GPUVM_QMP_TIMEOUT', `QEMU sent no ${name} event within ${deadlineMs} ms`, {
    details: { event: name, deadlineMs },
  });
}
