import { constants } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { GpuvmError } from '../errors.js';
import type { JournalDisk } from './disk.js';
import { closeLocked, tryLock } from './locked-file.js';
import { formatRecord, type Header } from './record.js';

/** A journal's file, which only one process has at a time. */
export interface Held {
  readonly path: string;
  readonly file: FileHandle;
}

const SUFFIX = '.ndjson';

/** Whether a name in the folder of journals is one. */
export function isJournalName(name: string): boolean {
  return name.endsWith(SUFFIX);
}

/** The name of a journal that has no whole header yet, and so no changes. */
export function isBeginningName(name: string): boolean {
  return name.endsWith(`${SUFFIX}.new`);
}

/** Opens and locks the file; undefined where another process has it, or it is gone. */
export async function hold(path: string): Promise<Held | undefined> {
  let file: FileHandle;
  try {
    file = await open(path, constants.O_RDWR | constants.O_APPEND);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw cannot(`cannot open ${path}`, error, 'only root may read the journals');
  }
  // Its last holder may have removed it between our opening and our locking it.
  if (tryLock(file) && (await file.stat()).nlink > 0) return { path, file };
  await closeLocked(file);
  return undefined;
}

/** Undefined where the name is taken, or a recovery took the file for one that was left half made. */
export async function begin(stem: string, header: Header, disk: JournalDisk): Promise<Held | undefined> {
  const path = `${stem}${SUFFIX}`;
  const half = `${path}.new`;
  if (await exists(path)) return undefined;
  let file: FileHandle | undefined;
  try {
    file = await disk.create(half);
    if (!tryLock(file)) throw Object.assign(new Error('taken'), { code: 'EEXIST' });
    await disk.append(file, formatRecord(header));
    await disk.sync(file);
    await disk.publish(half, path);
    return { path, file };
  } catch (error) {
    if (file) await closeLocked(file);
    if (['EEXIST', 'ENOENT'].includes((error as NodeJS.ErrnoException).code ?? '')) return undefined;
    throw error;
  }
}

async function exists(path: string): Promise<boolean> {
  try {
    await (await open(path, 'r')).close();
    return true;
  } catch {
    return false;
  }
}

export function cannot(what: string, cause: unknown, advice?: string): GpuvmError {
  const reason = (cause as NodeJS.ErrnoException).code ?? String(cause);
  return new GpuvmError('GPUVM_JOURNAL', `${what}: ${reason}${advice ? `; ${advice}` : ''}`, { cause });
}
