import { GpuvmError } from '../../../errors.js';
import type { TransferRecord } from '../transfer.js';
import { transferBlockSize } from '../transfer-block.js';
import { CaptureWriter, type Extras } from '../writer.js';
import { nextChunk } from './chunk.js';
import { Current } from './current.js';
import { makeWay } from './older.js';
import { type CaptureCounts, type CaptureFileOptions, type Settings, settingsOf } from './options.js';
import { Queue } from './queue.js';
import { reasonOf } from './reason.js';

/**
 * A capture on disk. FILE is always the present one; the one before it is FILE-stem.1.pcapng, and so on. What is given to
 * it is written as soon as the disk takes it; a disk that refuses is asked again, and nobody has to wait for it.
 */
export class CaptureFile {
  readonly path: string;
  readonly #settings: Settings;
  readonly #hasVm: boolean;
  readonly #writer: CaptureWriter;
  readonly #queue: Queue;
  readonly #timer: NodeJS.Timeout;
  #current: Current | undefined;
  #hasPackets = false;
  #working: Promise<void> | undefined;
  /** Lost since the last record that went into the queue. */
  #gap = 0;
  #isFailing = false;
  #isClosing = false;
  #closed: Promise<void> | undefined;
  #hasGivenUp = false;
  /** Who waits for everything to be written, or refused. */
  readonly #flushing: (() => void)[] = [];
  #endPause: () => void = () => undefined;
  readonly #counts = { records: 0, lost: 0, bytes: 0, files: 0 };

  /** Begins the file; one of that name that is there becomes an older one. Throws one clear line where that cannot be. */
  static async open(path: string, options: CaptureFileOptions = {}): Promise<CaptureFile> {
    const file = new CaptureFile(path, options);
    try {
      await file.#begin();
    } catch (cause) {
      clearInterval(file.#timer);
      await file.#current?.close().catch(() => undefined);
      if (GpuvmError.is(cause)) throw cause;
      const reason = reasonOf(cause);
      throw new GpuvmError('GPUVM_FILE', `the capture file ${path} cannot be written: ${reason}`, { cause });
    }
    return file;
  }

  private constructor(path: string, options: CaptureFileOptions) {
    this.path = path;
    this.#settings = settingsOf(options);
    this.#hasVm = (options.vms?.length ?? 0) > 0;
    this.#writer = new CaptureWriter(options);
    this.#queue = new Queue(this.#settings.mostWaitingBytes);
    this.#timer = setInterval(() => void this.#sync(), this.#settings.syncIntervalMs || 1000).unref();
  }

  get counts(): CaptureCounts {
    return { ...this.#counts, bytes: this.#counts.bytes + (this.#current?.size ?? 0) };
  }

  /** Whether the disk refuses at present. */
  get isFailing(): boolean {
    return this.#isFailing;
  }

  /** Puts the transfer into the file, in time. False where too many wait already: it is lost, which is counted here and in the file. */
  add(record: TransferRecord, extras: Extras = {}): boolean {
    transferBlockSize(record);
    if (this.#queue.isFull || this.#isClosing) {
      this.#gap++;
      this.#counts.lost++;
      return false;
    }
    const dropped = (extras.dropped ?? 0) + this.#gap;
    this.#gap = 0;
    this.#queue.add({ record, extras: dropped > 0 ? { ...extras, dropped } : extras });
    this.#work();
    return true;
  }

  /**
   * Puts ready packet blocks of the first VM (interface 0) into the file: whole ones, in memory that stays as it is until
   * the promise is kept, which is when they are in the file or given up. Who waits for it before the next call is slowed
   * down by a disk that refuses, and needs no memory for what comes meanwhile.
   *
   * @param dropped - how many transfers the blocks' own drop counts make together
   */
  appendBlocks(blocks: Uint8Array, records: number, dropped = 0): Promise<void> {
    if (!this.#hasVm) throw new RangeError('ready blocks need a VM that was given to the file');
    if (this.#isClosing) {
      this.#counts.lost += records;
      return Promise.resolve();
    }
    return new Promise((done) => {
      this.#queue.add({ blocks, records, dropped, done });
      this.#work();
    });
  }

  /** Resolves when all that was given is in the file and would outlive a power cut, or when the disk refuses. */
  async flush(): Promise<void> {
    if (this.#working !== undefined && !this.#isFailing)
      await new Promise<void>((resolve) => this.#flushing.push(resolve));
    await this.#sync();
  }

  /** Writes what waits, ends the file and closes it. A disk that refuses is asked once more. */
  close(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  async #close(): Promise<void> {
    this.#isClosing = true;
    clearInterval(this.#timer);
    this.#endPause();
    while (this.#working !== undefined) await this.#working;
    this.#counts.lost += this.#queue.clear();
    if (this.#isFailing) this.#say(`is given up; ${this.#missing}`);
    await this.#end();
  }

  #work(): void {
    if (this.#working !== undefined) return;
    this.#working = this.#writeAll().finally(() => {
      this.#working = undefined;
      // Something may have come in the last instant.
      if (!this.#queue.isEmpty && !this.#hasGivenUp) this.#work();
      else this.#endFlushes();
    });
  }

  async #writeAll(): Promise<void> {
    // What comes in the same turn is written together.
    await Promise.resolve();
    while (!this.#queue.isEmpty) {
      if (!(await this.#insist(() => this.#begin()))) return;
      const current = this.#current as Current;
      const room = this.#settings.limitBytes - current.size;
      const chunk = nextChunk(this.#queue, this.#writer, room, !this.#hasPackets);
      if (chunk === undefined) {
        await this.#end();
        continue;
      }
      current.accept(chunk.bytes);
      const isWritten = await this.#insist(() => current.push());
      this.#hasPackets = true;
      this.#counts[isWritten ? 'records' : 'lost'] += chunk.records;
      for (const done of chunk.done) done();
      if (!isWritten) return;
      if (this.#settings.syncIntervalMs === 0) await this.#sync();
    }
  }

  /** Has a file to write to, with its header in it. */
  async #begin(): Promise<void> {
    const { disk, keep, mode } = this.#settings;
    if (this.#current === undefined) {
      await makeWay(disk, this.path, keep);
      this.#current = new Current(await disk.create(this.path, mode), this.#writer.header());
      this.#hasPackets = false;
    }
    if (this.#current.size > 0 && this.#current.isWhole) return;
    await this.#current.push();
    this.#counts.files++;
    await this.#current.sync();
    await disk.syncFolder(this.path);
  }

  /** Ends the file with its counts, as far as the disk takes them: they are not worth another try. */
  async #end(): Promise<void> {
    const current = this.#current;
    this.#current = undefined;
    if (current === undefined) return;
    try {
      if (current.isWhole) {
        if (this.#isClosing) this.#writer.lost(this.#gap);
        current.accept(this.#writer.end());
        await current.push();
      }
      await current.sync();
    } catch (error) {
      this.#refused(error);
    } finally {
      this.#counts.bytes += current.size;
      await current.close().catch(() => undefined);
    }
  }

  /** Does it until the disk does not refuse; false where it is closed before. */
  async #insist(act: () => Promise<void>): Promise<boolean> {
    for (;;) {
      const isLastTry = this.#isClosing;
      try {
        await act();
        if (this.#isFailing) this.#say(`is written again; ${this.#missing}`);
        this.#isFailing = false;
        return true;
      } catch (error) {
        this.#refused(error);
      }
      if (isLastTry) {
        this.#hasGivenUp = true;
        return false;
      }
      if (!this.#isClosing) await this.#pause();
    }
  }

  async #sync(): Promise<void> {
    await this.#current?.sync().catch((error: unknown) => this.#refused(error));
  }

  /** Said once, until the disk takes something again. */
  #refused(error: unknown): void {
    if (!this.#isFailing) this.#say(`cannot be written: ${reasonOf(error)}; it is tried again`);
    this.#isFailing = true;
    this.#endFlushes();
  }

  #endFlushes(): void {
    for (const end of this.#flushing.splice(0)) end();
  }

  get #missing(): string {
    const { lost } = this.#counts;
    return lost === 0 ? 'no transfer is missing' : `${lost} transfers are not in it`;
  }

  #say(what: string): void {
    this.#settings.onProblem(`the capture file ${this.path} ${what}`);
  }

  #pause(): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, this.#settings.retryMs).unref();
      this.#endPause = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }
}
