import type { RingReader, TransferRecord } from '../capture/index.js';
import { RING_AT, type StateMemory } from './state-memory.js';

const POLL_MS = 40;
/** Chunks that are handed over at once: a guest cannot keep this thread from everything else. */
const MOST_AT_ONCE = 8;

/** Hands a VM's transfers over one by one, as objects, at the main thread's own pace. */
export class Recorder {
  readonly #emit: (records: readonly TransferRecord[], dropped: number) => void;
  readonly #decode: (blocks: Uint8Array) => TransferRecord[];
  readonly #reader: RingReader;
  #timer: NodeJS.Timeout | undefined;
  #isDraining = false;

  /** From now on: what a former process has seen it has handed over itself. */
  static async begin(
    { memory }: StateMemory,
    emit: (records: readonly TransferRecord[], dropped: number) => void,
  ): Promise<Recorder> {
    const { RingReader, transfersIn } = await import('../capture/index.js');
    return new Recorder(new RingReader(memory, RING_AT, 'now'), transfersIn, emit);
  }

  private constructor(
    reader: RingReader,
    decode: (blocks: Uint8Array) => TransferRecord[],
    emit: (records: readonly TransferRecord[], dropped: number) => void,
  ) {
    this.#reader = reader;
    this.#decode = decode;
    this.#emit = emit;
  }

  /** There is somebody to hand them over to. */
  start(): void {
    this.#timer ??= setInterval(() => this.drain(), POLL_MS).unref();
    this.#reader.askForNudge();
  }

  drain(most = MOST_AT_ONCE): void {
    // Whoever is told of transfers may come back here.
    if (this.#isDraining) return;
    this.#isDraining = true;
    try {
      for (let chunks = 0; chunks < most; chunks++) {
        const chunk = this.#reader.read();
        if (chunk === undefined) break;
        this.#emit(this.#decode(chunk.blocks), chunk.dropped);
      }
    } finally {
      this.#isDraining = false;
    }
    this.#reader.askForNudge();
  }

  /** Hands over the rest; the thread has written its last. */
  end(): void {
    clearInterval(this.#timer);
    this.drain(Number.POSITIVE_INFINITY);
  }
}
