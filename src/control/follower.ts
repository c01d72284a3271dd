import type { Writable } from 'node:stream';

export interface FollowerOptions {
  /** How much may wait for a slow reader. */
  readonly maxBytes: number;
  /** What is sent in the place of what was dropped: `chunks` of them, `bytes` in all. */
  gap(chunks: number, bytes: number): Uint8Array | string;
}

/**
 * Sends what happens to a reader who may be slow: so much waits for him, the rest is dropped, counted, and told at the
 * place where it is missing. Whoever calls `push` never waits.
 */
export class Follower {
  readonly #to: Writable;
  readonly #options: FollowerOptions;
  #waiting: Buffer[] = [];
  #waitingBytes = 0;
  #lostChunks = 0;
  #lostBytes = 0;
  #ending = false;

  constructor(to: Writable, options: FollowerOptions) {
    this.#to = to;
    this.#options = options;
    to.on('drain', () => this.#drain());
  }

  /** What this holds back, apart from what the stream itself does. */
  get waitingBytes(): number {
    return this.#waitingBytes;
  }

  push(data: Uint8Array | string): void {
    if (this.#ending || this.#to.destroyed) return;
    const chunk =
      typeof data === 'string' ? Buffer.from(data) : Buffer.from(data.buffer, data.byteOffset, data.length);
    const behind = this.#to.writableNeedDrain || this.#waiting.length > 0;
    // Once something is lost, all is until the reader has caught up: one gap, not many.
    if (this.#lostChunks > 0 || (behind && this.#waitingBytes + chunk.length > this.#options.maxBytes)) {
      this.#lostChunks++;
      this.#lostBytes += chunk.length;
    } else if (behind) {
      this.#waiting.push(chunk);
      this.#waitingBytes += chunk.length;
    } else {
      this.#to.write(chunk);
    }
  }

  /** Sends what still waits and ends the stream. */
  end(): void {
    this.#ending = true;
    if (!this.#to.writableNeedDrain) this.#drain();
  }

  #drain(): void {
    while (this.#waiting.length > 0) {
      const chunk = this.#waiting.shift()!;
      this.#waitingBytes -= chunk.length;
      if (!this.#to.write(chunk)) return;
    }
    if (this.#lostChunks > 0) {
      const gap = this.#options.gap(this.#lostChunks, this.#lostBytes);
      this.#lostChunks = 0;
      this.#lostBytes = 0;
      if (!this.#to.write(gap)) return;
    }
    if (this.#ending) this.#to.end();
  }
}
