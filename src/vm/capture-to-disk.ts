import type { CaptureFile, RingProgress, RingStart, WriterOptions } from '../bpmp/capture/index.js';
import type { BridgeHandle } from '../bpmp/worker/index.js';
import { GpuvmError } from '../errors.js';
import { pause } from './waiting.js';

/** Where transfers are kept; sizes in bytes, times in ms. */
export interface CaptureSettings {
  readonly file: string;
  /** Without it the file grows as long as it is written. */
  readonly maxSize?: bigint;
  /** How many files are kept, the present one among them. */
  readonly files?: number;
  readonly sync?: number;
}

const AGAIN_MS = 10_000;
/** How long a slow disk may take for the last of a VM's transfers. */
const LAST_MS = 5_000;
const LOOK_MS = 20;
const MOST_LOOKED_AT = 8;
/** The disk's matter, which may pass: no reason for a VM not to start. */
const PASSING = ['ENOSPC', 'EDQUOT', 'EIO', 'EROFS'];

/**
 * Keeps a VM's transfers in a file, out of its bridges' rings and at the disk's own pace. What waits, waits in the ring:
 * neither the guest nor this thread is held up by a disk.
 */
export class CaptureToDisk {
  readonly #settings: CaptureSettings;
  readonly #header: WriterOptions;
  readonly #onNote: (line: string) => void;
  readonly #over = new AbortController();
  readonly #following = new Set<Promise<void>>();
  #file: Promise<CaptureFile | undefined> = Promise.resolve(undefined);

  constructor(settings: CaptureSettings, header: WriterOptions, onNote: (line: string) => void) {
    this.#settings = settings;
    this.#header = header;
    this.#onNote = onNote;
  }

  /** Begins the file. Throws where its name cannot be used; where only the disk refuses, it is tried again in time. */
  async open(): Promise<void> {
    try {
      const file = await this.#begin();
      this.#file = Promise.resolve(file);
    } catch (error) {
      if (!isPassing(error)) throw error;
      this.#later(error);
    }
  }

  /** The same for a VM that runs already, which nothing of this is to end. */
  async reopen(): Promise<void> {
    await this.open().catch((error: Error) => this.#later(error));
  }

  /**
   * Writes a bridge's transfers from its first on until it has ended.
   *
   * @param isTakenOver - a former process has written some of them
   */
  follow(bridge: BridgeHandle, isTakenOver = false): void {
    const following = this.#write(bridge, isTakenOver).catch((error: Error) =>
      this.#onNote(`the capture ${this.#settings.file} ends: ${error.message}`),
    );
    this.#following.add(following);
    void following.finally(() => this.#following.delete(following));
  }

  /** When the bridges have ended: writes what is left, and ends the file. */
  async close(): Promise<void> {
    this.#over.abort();
    const file = await this.#file;
    const following = Promise.all(this.#following).then(() => true);
    const deadlineMs = performance.now() + LAST_MS;
    // A disk that refuses is not waited for: what it does not take at the end is given up, and counted.
    while (file?.isFailing === false && performance.now() < deadlineMs)
      if (await Promise.race([following, pause(LOOK_MS).then(() => false)])) break;
    await file?.close();
    await following;
    const { lost = 0 } = file?.counts ?? {};
    if (lost > 0) this.#onNote(`${lost} transfers are missing from the capture ${this.#settings.file}`);
  }

  async #begin(): Promise<CaptureFile> {
    const { CaptureFile } = await import('../bpmp/capture/index.js');
    const { file, maxSize, files, sync } = this.#settings;
    return CaptureFile.open(file, {
      ...this.#header,
      ...(maxSize !== undefined && { limitBytes: Number(maxSize) }),
      ...(files !== undefined && { keep: files - 1 }),
      ...(sync !== undefined && { syncIntervalMs: sync }),
      onProblem: this.#onNote,
    });
  }

  #later(error: unknown): void {
    this.#onNote(`${(error as Error).message}; it is tried again`);
    this.#file = this.#tryAgain();
  }

  async #tryAgain(): Promise<CaptureFile | undefined> {
    while (!this.#over.signal.aborted) {
      await pause(AGAIN_MS, this.#over.signal);
      const file = await this.#begin().catch(() => undefined);
      if (file !== undefined) {
        this.#onNote(`the capture ${this.#settings.file} is written`);
        return file;
      }
    }
    return undefined;
  }

  /** A process that was killed amid a write may have written more than it could note: then its file tells. */
  async #firstMissing({ stored, storing }: RingProgress): Promise<number> {
    if (storing <= stored) return stored;
    const { olderName } = await import('../bpmp/capture/index.js');
    const { file, files = MOST_LOOKED_AT } = this.#settings;
    // One that was killed as it began has left a file with nothing in it.
    for (let number = 1; number < Math.min(files, MOST_LOOKED_AT); number++) {
      const next = await nextIn(olderName(file, number), this.#header.vms?.[0]?.name);
      if (next > 0) return next > stored && next <= storing ? next : stored;
    }
    return stored;
  }

  async #write(bridge: BridgeHandle, isTakenOver: boolean): Promise<void> {
    const progress = await bridge.captureProgress();
    const file = await this.#file;
    if (file === undefined) return;
    const start: RingStart = isTakenOver ? { sequence: await this.#firstMissing(progress) } : 'oldest';
    for await (const { blocks, records, dropped, next } of bridge.captured({ start })) {
      progress.begin(next);
      await file.appendBlocks(blocks, records, dropped);
      progress.end(next);
    }
  }
}

/** The sequence behind a VM's last transfer in a file; 0 where there is none. */
async function nextIn(path: string, vm: string | undefined): Promise<number> {
  const { readCapture } = await import('../bpmp/capture/index.js');
  let next = 0;
  try {
    for await (const records of readCapture(path))
      for (const record of records) if (record.vm === vm) next = record.sequence + 1;
  } catch {
    // There is none, or it is something else: then nothing was written to it.
  }
  return next;
}

function isPassing(error: unknown): boolean {
  const { code } = (GpuvmError.is(error) ? ((error.cause ?? {}) as { code?: unknown }) : {}) as {
    code?: unknown;
  };
  return typeof code === 'string' && PASSING.includes(code);
}
