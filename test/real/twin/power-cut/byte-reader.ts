import type { Socket } from 'node:net';

/** What comes from a socket, in pieces of the size that is asked for. */
export class ByteReader {
  #chunks: Buffer[] = [];
  #size = 0;
  #hasEnded = false;
  #wake: () => void = () => undefined;

  constructor(socket: Socket) {
    socket.on('data', (chunk: Buffer) => {
      this.#chunks.push(chunk);
      this.#size += chunk.length;
      this.#wake();
    });
    socket.once('close', () => {
      this.#hasEnded = true;
      this.#wake();
    });
  }

  /** Rejects where the other side goes before it has sent them. */
  async take(length: number): Promise<Buffer> {
    while (this.#size < length) {
      if (this.#hasEnded) throw new Error(`the other side has gone after ${this.#size} of ${length} bytes`);
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
    const all = this.#chunks.length === 1 ? this.#chunks[0]! : Buffer.concat(this.#chunks);
    this.#chunks = [all.subarray(length)];
    this.#size -= length;
    return all.subarray(0, length);
  }
}
