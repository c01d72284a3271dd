import type { RingChunk, RingReader, RingStart } from '../capture/index.js';
import { RING_AT, type StateMemory } from './state-memory.js';

/** How often the ring is looked at while somebody waits for what comes; the thread says itself when much has. */
const POLL_MS = 40;

export interface FollowOptions {
  /** Where to begin: with all that the ring still has, unless told. */
  readonly start?: RingStart;
  /** Goes on with what comes, until the bridge has ended; unless told. */
  readonly follow?: boolean;
  readonly signal?: AbortSignal | undefined;
}

/**
 * A VM's transfers as packet blocks, out of the ring that its thread writes. Who reads is not waited for: what he is too
 * slow for is lost to him alone, and the next block says how much that was. Nothing is done while nobody reads.
 */
export class TransferFeed {
  readonly #state: () => StateMemory;
  readonly #waiting = new Map<RingReader, () => void>();
  #timer: NodeJS.Timeout | undefined;
  #isEnded = false;

  constructor(state: () => StateMemory) {
    this.#state = state;
  }

  async *chunks({ start = 'oldest', follow = true, signal }: FollowOptions = {}): AsyncGenerator<RingChunk> {
    const { RingReader } = await import('../capture/index.js');
    const reader = new RingReader(this.#state().memory, RING_AT, start);
    for (;;) {
      const isLast = this.#isEnded || !follow;
      for (let chunk = reader.read(); chunk !== undefined; chunk = reader.read()) {
        if (signal?.aborted) return;
        yield chunk;
      }
      if (isLast || signal?.aborted) return;
      await this.#news(reader, signal);
    }
  }

  /** The thread has written much since somebody looked. */
  wake(): void {
    for (const [reader, go] of this.#waiting) if (reader.hasMore || this.#isEnded) go();
    if (this.#waiting.size > 0) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  /** No more will come: whoever reads gets the rest. */
  end(): void {
    this.#isEnded = true;
    this.wake();
  }

  #news(reader: RingReader, signal: AbortSignal | undefined): Promise<void> {
    if (this.#isEnded) return Promise.resolve();
    return new Promise((resolve) => {
      const go = () => {
        this.#waiting.delete(reader);
        signal?.removeEventListener('abort', go);
        resolve();
      };
      this.#waiting.set(reader, go);
      signal?.addEventListener('abort', go);
      reader.askForNudge();
      this.#timer ??= setInterval(() => this.wake(), POLL_MS).unref();
    });
  }
}
