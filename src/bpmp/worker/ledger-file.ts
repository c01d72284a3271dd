import {
  closeSync,
  fstatSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readSync,
  renameSync,
  unlinkSync,
  writeSync,
} from 'node:fs';
import { dirname } from 'node:path';
import { GpuvmError } from '../../errors.js';
import { addon } from '../../native/index.js';
import type { BackendConfig } from '../backend/index.js';
import { LedgerRecords, MOST_RECORDS, RECORD_SIZE } from '../mediator/index.js';
import { bootId, identify, isAlive, type ProcessId } from './process-id.js';

/** The file: a page of header, the records, then {@link LedgerOwner} as JSON. */
const MAGIC = 'GPUVMLG1';
const HEADER_SIZE = 4096;
const RECORDS_SIZE = MOST_RECORDS * RECORD_SIZE;
const MAPPED = HEADER_SIZE + RECORDS_SIZE;
const MOST_TEXT = 4 * 1024 * 1024;
/** Doubles of the header, behind the magic number. */
const OWNER = 1;
const GUEST = 3;

/** What giving back needs to know, beside the records. */
export interface LedgerOwner {
  readonly vm: string;
  readonly backend: BackendConfig;
  readonly policy: { readonly file: string; readonly text: string };
  /** The boot that its guest ran in; absent where there was no saying, or an earlier version wrote it. */
  readonly boot?: string;
}

/**
 * A VM's ledger as a file. It is mapped: writing to it is a few stores, and what was stored is in the file however this
 * process ends. What is stored in it is not flushed to a disk: a power cut resets the BPMP, too, and what the file says of
 * an earlier boot is not true any more.
 */
export class LedgerFile {
  readonly records: LedgerRecords;
  readonly owner: LedgerOwner;
  readonly path: string;
  readonly #header: Float64Array;

  private constructor(path: string, memory: ArrayBuffer, owner: LedgerOwner) {
    this.path = path;
    this.owner = owner;
    this.#header = new Float64Array(memory, 0, HEADER_SIZE / 8);
    this.records = new LedgerRecords(memory, HEADER_SIZE);
  }

  /** Makes the file, with nothing held, in the place of any other. Throws GPUVM_FILE. */
  static create(path: string, ofWhom: Omit<LedgerOwner, 'boot'>): LedgerFile {
    const boot = bootId();
    const owner = { ...ofWhom, ...(boot !== undefined && { boot }) };
    const temporary = `${path}.${process.pid}`;
    const text = Buffer.from(JSON.stringify(owner));
    const content = Buffer.alloc(MAPPED + text.length);
    content.write(MAGIC, 0, 'latin1');
    text.copy(content, MAPPED);
    return attempt(path, () => {
      mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
      // Every byte is written: a hole in a full tmpfs would end this process when it is stored to.
      const fd = openSync(temporary, 'w+', 0o600);
      try {
        for (let at = 0; at < content.length; ) at += writeSync(fd, content, at);
        const file = new LedgerFile(path, addon().mapMemory(fd, MAPPED), owner);
        file.#setOwner();
        // Where it is on a disk, no boot is to find a name without the content.
        fsyncSync(fd);
        renameSync(temporary, path);
        return file;
      } catch (error) {
        unlinkSync(temporary);
        throw error;
      } finally {
        closeSync(fd);
      }
    });
  }

  /** The file that is there, or undefined. Throws GPUVM_FILE where it is none of ours. */
  static open(path: string): LedgerFile | undefined {
    return attempt(path, () => {
      let fd: number;
      try {
        fd = openSync(path, 'r+');
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
        throw error;
      }
      try {
        const owner = readOwner(fd);
        if (owner === undefined) {
          throw new GpuvmError('GPUVM_FILE', `${path} is no ledger of this version of gpuvm: remove it`);
        }
        return new LedgerFile(path, addon().mapMemory(fd, MAPPED), owner);
      } finally {
        closeSync(fd);
      }
    });
  }

  /** The machine was booted since, and the BPMP with it. */
  get isOfEarlierBoot(): boolean {
    return this.owner.boot !== undefined && this.owner.boot !== bootId();
  }

  /** Whoever still works with it: the supervisor that it belongs to, or the VMM whose guest holds what is in it. */
  user(): { readonly what: 'supervisor' | 'guest'; readonly pid: number } | undefined {
    if (this.isOfEarlierBoot) return undefined;
    for (const [what, at] of [['supervisor', OWNER] as const, ['guest', GUEST] as const]) {
      const id: ProcessId = { pid: this.#header[at], startTicks: this.#header[at + 1] };
      const isThisOne = what === 'supervisor' && id.pid === process.pid;
      if (!isThisOne && isAlive(id)) return { what, pid: id.pid };
    }
    return undefined;
  }

  /** From now on the ledger is this process's. */
  takeOver(): void {
    this.#setOwner();
  }

  /** The process whose guest it is; nothing is given back by others while it lives. */
  setGuest(pid: number): void {
    const id = identify(pid);
    this.#header[GUEST] = id?.pid ?? 0;
    this.#header[GUEST + 1] = id?.startTicks ?? 0;
  }

  remove(): void {
    try {
      unlinkSync(this.path);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    }
  }

  #setOwner(): void {
    const id = identify(process.pid);
    this.#header[OWNER] = id?.pid ?? 0;
    this.#header[OWNER + 1] = id?.startTicks ?? 0;
  }
}

function readOwner(fd: number): LedgerOwner | undefined {
  const size = fstatSync(fd).size - MAPPED;
  if (size <= 0 || size > MOST_TEXT) return undefined;
  const magic = Buffer.alloc(MAGIC.length);
  readSync(fd, magic, 0, magic.length, 0);
  if (magic.toString('latin1') !== MAGIC) return undefined;
  const text = Buffer.alloc(size);
  readSync(fd, text, 0, size, MAPPED);
  try {
    const owner = JSON.parse(text.toString()) as Partial<LedgerOwner>;
    const { vm, backend, policy } = owner;
    if (typeof vm !== 'string' || typeof backend !== 'object' || typeof policy?.text !== 'string')
      return undefined;
    return owner as LedgerOwner;
  } catch {
    return undefined;
  }
}

function attempt<T>(path: string, body: () => T): T {
  try {
    return body();
  } catch (error) {
    if (GpuvmError.is(error)) throw error;
    throw new GpuvmError('GPUVM_FILE', `the ledger ${path}: ${(error as Error).message}`, { cause: error });
  }
}
