import { EventEmitter } from 'node:events';
import { GpuvmError } from '../errors.js';
import type { QmpEvent } from './message.js';
import { EventStream } from './stream.js';
import type { DataOf, EventName } from './types.js';

export interface EventWait {
  readonly deadlineMs?: number;
  readonly signal?: AbortSignal;
}

/** Hands events on to callbacks, iterators and those who wait for one. */
export class EventHub {
  readonly #emitter = new EventEmitter<{ event: [QmpEvent]; end: [GpuvmError] }>();
  #ended: GpuvmError | undefined;

  constructor() {
    // Any number of waits at a time is proper use here.
    this.#emitter.setMaxListeners(0);
  }

  emit(event: QmpEvent): void {
    this.#emitter.emit('event', event);
  }

  end(reason: GpuvmError): void {
    this.#ended = reason;
    this.#emitter.emit('end', reason);
  }

  /** Calls back for each event; returns what stops it. */
  subscribe(callback: (event: QmpEvent) => void): () => void {
    this.#emitter.on('event', callback);
    return () => void this.#emitter.off('event', callback);
  }

  /** The next event of this name that `matches` takes. Listens from the moment of the call. */
  waitFor<E extends EventName>(
    name: E,
    matches: (data: DataOf<E>) => boolean,
    { deadlineMs, signal }: EventWait,
  ): Promise<QmpEvent & { data: DataOf<E> }> {
    const { promise, resolve, reject } = defer<QmpEvent & { data: DataOf<E> }>();
    const stop = this.subscribe((event) => {
      if (event.event === name && matches(event.data as DataOf<E>)) {
        resolve(event as QmpEvent & { data: DataOf<E> });
      }
    });
    const onAbort = () => reject(signal?.reason);
    const stopEnd = this.onEnd((reason) => reject(ended(name, reason)));
    signal?.addEventListener('abort', onAbort, { once: true });
    const timer =
      deadlineMs === undefined ? undefined : setTimeout(() => reject(missed(name, deadlineMs)), deadlineMs);
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
  stream(name?: EventName): EventStream {
    return new EventStream(this, name);
  }

  /** Calls back once, at the end or now where it came already; returns what takes it back. */
  onEnd(callback: (reason: GpuvmError) => void): () => void {
    if (this.#ended) callback(this.#ended);
    else this.#emitter.once('end', callback);
    return () => void this.#emitter.off('end', callback);
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
