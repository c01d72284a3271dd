import type { OpenFile } from './disk.js';

/** The file that is being written: what was accepted is written once, from where the disk refused on. */
export class Current {
  readonly #file: OpenFile;
  #waiting: Uint8Array;
  #size = 0;
  #synced = 0;
  #syncing: Promise<void> | undefined;

  constructor(file: OpenFile, header: Uint8Array) {
    this.#file = file;
    this.#waiting = header;
  }

  /** Bytes in the file. */
  get size(): number {
    return this.#size;
  }

  get isWhole(): boolean {
    return this.#waiting.length === 0;
  }

  /** What is to be written next; what was accepted before must be written. */
  accept(bytes: Uint8Array): void {
    this.#waiting = bytes;
  }

  /** Writes what was accepted, or what is left of it. */
  async push(): Promise<void> {
    while (this.#waiting.length > 0) {
      const written = await this.#file.write(this.#waiting, this.#size);
      if (written === 0) throw Object.assign(new Error('nothing was written'), { code: 'ENOSPC' });
      this.#size += written;
      this.#waiting = this.#waiting.subarray(written);
    }
  }

  /** Makes what is in the file by now outlive a power cut. It may be written to meanwhile. */
  async sync(): Promise<void> {
    while (this.#syncing !== undefined) await this.#syncing.catch(() => undefined);
    const size = this.#size;
    if (this.#synced === size) return;
    this.#syncing = this.#file.sync();
    try {
      await this.#syncing;
      this.#synced = size;
    } finally {
      this.#syncing = undefined;
    }
  }

  async close(): Promise<void> {
    await this.#syncing?.catch(() => undefined);
    await this.#file.close();
  }
}
