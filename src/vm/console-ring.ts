import type { Readable, Writable } from 'node:stream';

/** What is kept of the console for whoever comes later, in bytes. */
const KEPT_BYTES = 256 * 1024;

/** A guest's console for any number of readers, with the last of what it said. It outlives one QEMU and serves the next. */
export class ConsoleRing {
  readonly #chunks: Buffer[] = [];
  readonly #readers = new Set<(chunk: Buffer) => void>();
  #size = 0;
  #input: Writable | undefined;

  /** From now on this QEMU's. */
  attach({ output, input }: { readonly output: Readable; readonly input: Writable }): void {
    this.#input = input;
    output.on('data', (chunk: Buffer) => this.#push(chunk));
    output.once('close', () => {
      if (this.#input === input) this.#input = undefined;
    });
  }

  recent(): Buffer {
    return Buffer.concat(this.#chunks).subarray(-KEPT_BYTES);
  }

  subscribe(fn: (chunk: Buffer) => void): () => void {
    this.#readers.add(fn);
    return () => void this.#readers.delete(fn);
  }

  /** What is typed while there is no QEMU is lost, as on a machine that is off. Resolves when more may be typed. */
  write(data: Uint8Array): void | Promise<void> {
    const input = this.#input;
    if (input === undefined || !input.writable || input.write(data)) return;
    return new Promise((resolve) => {
      const done = () => {
        input.off('drain', done);
        input.off('close', done);
        resolve();
      };
      input.once('drain', done);
      input.once('close', done);
    });
  }

  #push(chunk: Buffer): void {
    // A copy: a short chunk may be a view of a pool that is much longer.
    this.#chunks.push(Buffer.from(chunk));
    this.#size += chunk.length;
    while (this.#size - this.#chunks[0]!.length >= KEPT_BYTES) this.#size -= this.#chunks.shift()!.length;
    for (const read of this.#readers) read(chunk);
  }
}
