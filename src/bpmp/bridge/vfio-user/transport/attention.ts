import { availableParallelism } from 'node:os';

/** How long the thread stays awake after a message, in ms; with one CPU the guest needs that time itself. */
const AWAKE_MS = availableParallelism() > 1 ? 0.1 : 0;

/**
 * Keeps the event loop turning for a moment instead of letting it sleep. A transfer is several messages a few
 * microseconds apart, and waking a CPU that went to sleep between two of them takes longer than all else. A guest that is
 * silent costs nothing.
 */
export class Attention {
  #until = 0;
  #isTurning = false;

  /** Stays awake from now on for the usual time. */
  stay(): void {
    this.#until = performance.now() + AWAKE_MS;
    if (this.#isTurning || AWAKE_MS === 0) return;
    this.#isTurning = true;
    setImmediate(this.#turn);
  }

  /** Whether the loop is being kept from sleeping. */
  get isAwake(): boolean {
    return this.#isTurning;
  }

  // While an immediate waits, the loop looks for messages without blocking.
  readonly #turn = (): void => {
    if (performance.now() < this.#until) setImmediate(this.#turn);
    else this.#isTurning = false;
  };
}
