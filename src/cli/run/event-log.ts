import { once } from 'node:events';
import { createWriteStream, type WriteStream } from 'node:fs';
import { GpuvmError } from '../../errors.js';
import { toJson } from '../output.js';

/** What may wait for a slow disk before events are dropped and counted. */
const MAX_WAITING_BYTES = 64 * 1024 * 1024;

/** Writes what happens as NDJSON: each line an `event`, its `time`, and the event's own fields. */
export class EventLog {
  readonly #stream: WriteStream;
  #dropped = 0;
  #failed: Error | undefined;

  private constructor(stream: WriteStream) {
    this.#stream = stream;
    stream.on('error', (error) => {
      this.#failed = error;
    });
  }

  static async open(path: string): Promise<EventLog> {
    const stream = createWriteStream(path);
    try {
      await once(stream, 'open');
    } catch (cause) {
      throw new GpuvmError(
        'GPUVM_FILE',
        `the events cannot be written to ${path}: ${(cause as Error).message}`,
        { cause },
      );
    }
    return new EventLog(stream);
  }

  write(event: string, fields: object): void {
    this.line({ event, time: new Date().toISOString(), ...fields });
  }

  /** An event that has its name and time already. */
  line(event: object): void {
    if (this.#failed) return;
    if (this.#stream.writableLength > MAX_WAITING_BYTES) {
      this.#dropped++;
      return;
    }
    this.#stream.write(`${toJson(event)}\n`);
  }

  /** Writes the rest. Throws GPUVM_FILE where not all could be written. */
  async close(): Promise<void> {
    if (this.#dropped > 0) this.write('dropped', { events: this.#dropped });
    if (!this.#failed) await new Promise((resolve) => this.#stream.end(resolve));
    if (this.#failed) {
      const { message } = this.#failed;
      throw new GpuvmError('GPUVM_FILE', `the events could not be written: ${message}`, {
        cause: this.#failed,
      });
    }
  }
}
