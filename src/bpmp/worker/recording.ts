import type { TransferRecord } from '../mediator/index.js';

const BATCH = 64;
/** Records that may wait for the main thread to ask; beyond, they are counted and dropped. */
const MOST_WAITING = 4096;

/**
 * Transfers on their way to the main thread, in batches. The main thread asks for them at its own pace, and a batch is
 * sent unasked only as long as it keeps asking: a guest cannot fill the main thread's memory.
 */
export class Recording {
  readonly #send: (records: TransferRecord[], dropped: number) => void;
  #waiting: TransferRecord[] = [];
  #credit = MOST_WAITING;
  #droppedSinceSend = 0;
  dropped = 0;

  constructor(send: (records: TransferRecord[], dropped: number) => void) {
    this.#send = send;
  }

  add(record: TransferRecord): void {
    if (this.#credit === 0) {
      this.dropped++;
      this.#droppedSinceSend++;
      return;
    }
    this.#credit--;
    this.#waiting.push(record);
    if (this.#waiting.length >= BATCH) this.#sendWaiting();
  }

  /** The main thread has seen all that was sent before it asked for this. */
  flush(): void {
    this.#credit = MOST_WAITING - this.#waiting.length;
    if (this.#waiting.length > 0 || this.#droppedSinceSend > 0) this.#sendWaiting();
  }

  #sendWaiting(): void {
    this.#send(this.#waiting, this.#droppedSinceSend);
    this.#waiting = [];
    this.#droppedSinceSend = 0;
  }
}
