import type { FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import { GpuvmError } from '../errors.js';
import { ChildWriter } from './child-writer.js';
import { Contents } from './contents.js';
import { type JournalDisk, realDisk } from './disk.js';
import { begin, cannot, type Held, hold } from './held.js';
import { bootId, isAlive, NOBODY, ownIdentity, type ProcessIdentity, whereItWaits } from './identity.js';
import { closeLocked } from './locked-file.js';
import { look, make } from './make.js';
import { formatRecord, type Header, type JournalRecord, parseJournal } from './record.js';
import type { UndoReport } from './report.js';
import type { ChildRecord, HostStep } from './step.js';
import { type UndoOptions, undoAll, writerOf } from './undo.js';
import { isHung, type SysfsWriter } from './writer.js';

export interface JournalOptions {
  /** Where the journals are (`stateFolders().journal`); made where it is not there. */
  readonly folder: string;
  /** Whose changes these are. Each run has a journal of its own. */
  readonly vm: string;
  readonly sysroot?: string;
  /** Default: a child process with a deadline. */
  readonly writer?: SysfsWriter;
  readonly disk?: JournalDisk;
  /** How long an undo waits for a device to be closed, and for a process to end. Default: 10 s. */
  readonly patienceMs?: number;
}

const PATIENCE_MS = 10_000;
const MAX_PER_PROCESS = 100;

/**
 * The changes that one run makes to the host. Each is on the disk with its undo before it is made; so whatever happens
 * to this process, `recover` finds what is to be put back. The file is locked for as long as the process lives, and goes
 * when everything is undone.
 */
export class Journal {
  readonly path: string;
  readonly contents: Contents;
  readonly #options: JournalOptions;
  readonly #file: FileHandle;
  readonly #disk: JournalDisk;
  readonly #sysroot: string;
  readonly #writer: SysfsWriter;
  /** One change after another, in whatever way they were asked for. */
  #queue: Promise<unknown> = Promise.resolve();
  #closed = false;
  /** Subjects with a write that the kernel did not come back from, and the process that still makes it. */
  readonly #hung = new Map<string, ProcessIdentity>();

  private constructor(held: Held, contents: Contents, options: JournalOptions) {
    this.path = held.path;
    this.contents = contents;
    this.#options = options;
    this.#file = held.file;
    this.#disk = options.disk ?? realDisk;
    this.#sysroot = options.sysroot ?? '/';
    this.#writer = options.writer ?? new ChildWriter();
  }

  /** Begins a journal. Throws GPUVM_JOURNAL where the folder cannot be written to. */
  static async open(options: JournalOptions): Promise<Journal> {
    const { folder, vm, sysroot, disk = realDisk } = options;
    const owner = ownIdentity();
    const boot = bootId(sysroot) ?? '';
    const header: Header = {
      journal: 'gpuvm',
      version: 1,
      vm,
      ...owner,
      boot,
      time: new Date().toISOString(),
    };
    try {
      for (let number = 0; number < MAX_PER_PROCESS; number++) {
        const name = `${vm.replace(/[^\w.-]/g, '_')}-${owner.pid}-${owner.startTime}${number ? `-${number}` : ''}`;
        const held = await begin(join(folder, name), header, disk);
        if (held) return new Journal(held, new Contents(header), options);
      }
      throw new Error(`${MAX_PER_PROCESS} journals of this process are there already`);
    } catch (cause) {
      throw cannot(`cannot keep a journal in ${folder}`, cause, 'run as root, or give --state-dir');
    }
  }

  /**
   * Takes over a journal whose owner has gone. Undefined where it is held by a process that lives, or is there no longer.
   * Throws GPUVM_JOURNAL where it cannot be read.
   */
  static async adopt(
    path: string,
    options: Omit<JournalOptions, 'folder' | 'vm'>,
  ): Promise<Journal | undefined> {
    const held = await hold(path);
    if (!held) return undefined;
    try {
      const { header, records, wholeBytes } = parseJournal(path, await held.file.readFile());
      if (!header) throw new GpuvmError('GPUVM_JOURNAL', `${path} is empty`);
      await held.file.truncate(wholeBytes);
      const journal = new Journal(held, new Contents(header, records), {
        ...options,
        folder: '',
        vm: header.vm,
      });
      await journal.#append({ owner: ownIdentity() });
      return journal;
    } catch (error) {
      await closeLocked(held.file);
      throw error;
    }
  }

  get vm(): string {
    return this.contents.header.vm;
  }

  /**
   * Makes a change: looks that the host is as planned, writes the change and its undo down, makes it, and looks that it
   * took. Throws GPUVM_BIND where the host refuses, GPUVM_JOURNAL where it could not be written down and so was not made.
   */
  perform(step: HostStep): Promise<void> {
    return this.#next(async () => {
      if (this.contents.entries.some(({ id, undone }) => id === step.id && !undone))
        throw new GpuvmError('GPUVM_INTERNAL', `two steps with the id ${step.id}`);
      const earlier = look(step, this.#sysroot);
      const writer = step.kind === 'write' ? await this.#writer.prepare() : undefined;
      await this.#append({ do: step, ...(step.kind === 'write' ? {} : { earlier }), ...writerOf(writer) });
      try {
        await make(step, this.#sysroot, this.#writer);
      } catch (error) {
        if (writer && step.subject !== undefined && isHung(error)) this.#hung.set(step.subject, writer);
        throw error;
      }
      // Not waited for: that it may have been made is on the disk, and so does the undo take it.
      await this.#append({ done: step.id }, false);
    });
  }

  /** A process that was just started: an undo, whoever makes it, ends it before it puts back what came earlier. */
  child(child: ChildRecord): Promise<void> {
    return this.#next(() => this.#append({ child }));
  }

  /** The process has ended, so that its pid need not be looked at again. */
  childEnded(id: string): Promise<void> {
    return this.#next(() => this.#append({ undone: id }, false));
  }

  /** All that was planned is made: steps with `restore: 'leave'` stay from here on. */
  markActive(): Promise<void> {
    return this.#next(() => this.#append({ active: true }));
  }

  /**
   * Lets go of the journal and means its changes to stay: for a supervisor that is to be replaced, or a command that only
   * binds. `recover` leaves it alone until it is adopted, or is told to.
   */
  async keep(why: string): Promise<void> {
    await this.#next(() => this.#append({ kept: why }));
    await this.close();
  }

  /**
   * Undoes everything, or some of it, the newest first. What went wrong is in the report. With everything undone the file
   * is removed and the journal closed; else it stays for `recover`.
   */
  undo(
    options: UndoOptions = {},
    around: { blocked?: ReadonlyMap<string, string> } = {},
  ): Promise<UndoReport> {
    return this.#next(async () => {
      if (this.#closed && this.#isEmpty) return { ok: true, steps: [] };
      const report = await undoAll(
        {
          contents: this.contents,
          sysroot: this.#sysroot,
          writer: this.#writer,
          sameBoot: sameBoot(this.contents.header, this.#sysroot),
          dryRun: false,
          patienceMs: this.#options.patienceMs ?? PATIENCE_MS,
          // A full disk must not keep the host from being put right: an undo looks before it writes anyway.
          append: (record, wait) => this.#append(record, wait).catch(() => this.contents.add(record)),
          // Another write would hang behind the first.
          blocked: new Map([...this.#stillHung(), ...(around.blocked ?? [])]),
        },
        options,
      );
      if (!options.subjects && this.#isEmpty) await this.#remove();
      return report;
    });
  }

  /** Lets go of the file, and removes it where there is nothing in it to undo; else it stays for `recover`. */
  async close(): Promise<void> {
    await this.#queue.catch(() => undefined);
    if (this.#closed) return;
    if (this.#isEmpty) return this.#remove();
    // This process may live on; what it lets go of is for others to put right.
    if (this.contents.kept === undefined) await this.#append({ owner: NOBODY }).catch(() => undefined);
    this.#closed = true;
    this.#writer.close();
    await closeLocked(this.#file);
  }

  *#stillHung(): Iterable<[string, string]> {
    for (const [subject, writer] of this.#hung)
      if (isAlive(writer)) yield [subject, stillHangs(writer)];
      else this.#hung.delete(subject);
  }

  /** Nothing in it is to be undone. */
  get #isEmpty(): boolean {
    return this.contents.entries.every(({ undone, settled }) => undone || settled);
  }

  async #remove(): Promise<void> {
    this.#closed = true;
    this.#writer.close();
    try {
      await this.#disk.remove(this.path);
    } catch (cause) {
      throw cannot(`cannot remove ${this.path}`, cause);
    } finally {
      await closeLocked(this.#file);
    }
  }

  async #append(record: JournalRecord, wait = true): Promise<void> {
    if (this.#closed) throw new GpuvmError('GPUVM_JOURNAL', `${this.path} is closed`);
    const { size } = await this.#file.stat();
    try {
      await this.#disk.append(this.#file, formatRecord(record));
      if (wait) await this.#disk.sync(this.#file);
    } catch (cause) {
      // A part of a line would make the next one unreadable.
      await this.#file.truncate(size).catch(() => undefined);
      throw cannot(`cannot write to ${this.path}`, cause);
    }
    this.contents.add(record);
  }

  #next<T>(act: () => Promise<T>): Promise<T> {
    const result = this.#queue.then(act);
    this.#queue = result.catch(() => undefined);
    return result;
  }
}

/** Why nothing is tried with what a write hangs in. */
export function stillHangs({ pid }: ProcessIdentity): string {
  const wait = whereItWaits(pid);
  return `process ${pid} still hangs in the kernel${wait ? ` (${wait})` : ''} with a write to it: a reboot may be needed`;
}

export function sameBoot({ boot }: Header, sysroot: string): boolean {
  return boot === (bootId(sysroot) ?? '');
}
