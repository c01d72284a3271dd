import type { RestartChoice } from '../config/index.js';

export interface RunEnd {
  /** It did not end by the guest's own will, nor by somebody's who ended QEMU. */
  readonly isFailure: boolean;
  /** The guest, or somebody for it, asked for a reset, and that is to be a fresh start. */
  readonly isReset: boolean;
  readonly durationMs: number;
}

export type Verdict =
  | { readonly restart: true; readonly delayMs: number; readonly reason: string }
  | { readonly restart: false; readonly reason?: string };

/** Decides after each run whether there is another, and when. */
export class RestartPlan {
  readonly #rules: RestartChoice;
  readonly #now: () => number;
  #starts: number[] = [];
  #delayMs: number;

  constructor(rules: RestartChoice, now: () => number = () => performance.now()) {
    this.#rules = rules;
    this.#now = now;
    this.#delayMs = rules.delay;
  }

  after({ isFailure, isReset, durationMs }: RunEnd): Verdict {
    const { policy, delay, maxDelay, limit, window } = this.#rules;
    // A guest may reboot as often as it likes, but one that does nothing else must not keep the host busy with it.
    if (isReset)
      return { restart: true, delayMs: durationMs < delay ? delay : 0, reason: 'the guest was reset' };
    if (policy === 'never' || (policy === 'on-failure' && !isFailure)) return { restart: false };
    const now = this.#now();
    this.#starts = this.#starts.filter((at) => now - at < window);
    if (this.#starts.length >= limit) {
      const times = limit === 1 ? 'once' : `${limit} times`;
      return {
        restart: false,
        reason: `it was restarted ${times} within ${window / 1000} s, which is the limit: it is left as it is`,
      };
    }
    this.#starts.push(now);
    // Such a run was a good one: the next failure is the first.
    if (durationMs >= window) this.#delayMs = delay;
    const delayMs = this.#delayMs;
    this.#delayMs = Math.min(delayMs * 2, maxDelay);
    return { restart: true, delayMs, reason: `restart ${this.#starts.length} of ${limit}` };
  }
}
