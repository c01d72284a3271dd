import { LONGEST_TIMER_MS } from './deadlines.js';

/** A signal that stops after a time, or with another one; and which of the two it was. */
export class Deadline {
  readonly signal: AbortSignal;
  readonly #timeout: AbortSignal | undefined;
  readonly #ms: number;

  constructor(ms: number | undefined, signal: AbortSignal | undefined) {
    this.#ms = Math.max(0, ms ?? Number.POSITIVE_INFINITY);
    if (this.#ms <= LONGEST_TIMER_MS) this.#timeout = AbortSignal.timeout(Math.ceil(this.#ms));
    const signals = [this.#timeout, signal].filter((one) => one !== undefined);
    this.signal = signals.length === 1 ? signals[0]! : AbortSignal.any(signals);
  }

  /** The deadline in ms, where it passed. */
  get passed(): number | undefined {
    return this.#timeout?.aborted && this.signal.reason === this.#timeout.reason ? this.#ms : undefined;
  }
}

/** Waits for `promise`, but no longer than until the signal, whose reason it throws. */
export function unlessAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const onAbort = () => reject(signal.reason);
    if (signal.aborted) onAbort();
    signal.addEventListener('abort', onAbort, { once: true });
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', onAbort));
  });
}
