import { constants, readFileSync } from 'node:fs';
import { type FileHandle, mkdir, open } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { GpuvmError } from '../errors.js';
import { isAlive, ownIdentity, type ProcessIdentity } from './identity.js';
import { closeLocked, tryLock } from './locked-file.js';

/** Who has a device. */
export interface LockHolder extends ProcessIdentity {
  readonly vm: string;
}

const TRIES = 5;
const RETRY_MS = 20;

/**
 * One lock for each device, across all VMs: a file that the kernel keeps locked for as long as its holder lives, with
 * the holder's name in it. A holder that was killed therefore leaves nothing behind that could be in the way. The files
 * stay, because one that is removed could be locked by two at once.
 */
export class DeviceLocks {
  readonly #files: FileHandle[];
  readonly subjects: readonly string[];

  private constructor(subjects: readonly string[], files: FileHandle[]) {
    this.subjects = subjects;
    this.#files = files;
  }

  /** Takes all or none. Throws GPUVM_LOCKED with the VM that has one of them, GPUVM_FILE where the folder is not ours. */
  static async acquire(
    subjects: readonly string[],
    { folder, vm }: { readonly folder: string; readonly vm: string },
  ): Promise<DeviceLocks> {
    const files: FileHandle[] = [];
    try {
      await mkdir(folder, { recursive: true, mode: 0o755 });
      // In one order for all, so that two VMs with the same devices do not each take half of them.
      for (const subject of [...new Set(subjects)].sort()) files.push(await lock(subject, folder, vm));
    } catch (error) {
      for (const file of files) await unlock(file);
      if (GpuvmError.is(error)) throw error;
      const { code } = error as NodeJS.ErrnoException;
      throw new GpuvmError(
        'GPUVM_FILE',
        `cannot lock devices in ${folder}: ${code}; run as root, or give --state-dir`,
        {
          cause: error,
        },
      );
    }
    return new DeviceLocks(subjects, files);
  }

  async release(): Promise<void> {
    for (const file of this.#files.splice(0)) await unlock(file);
  }
}

/** Who has the device now; undefined where nobody does, or its holder has gone. */
export function lockHolder(subject: string, folder: string): LockHolder | undefined {
  const holder = readHolder(fileOf(subject, folder));
  return holder && isAlive(holder) ? holder : undefined;
}

async function lock(subject: string, folder: string, vm: string): Promise<FileHandle> {
  const path = fileOf(subject, folder);
  const file = await open(path, constants.O_RDWR | constants.O_CREAT, 0o644);
  try {
    // A holder that has just been killed may take a moment to be gone.
    for (let tries = 1; !tryLock(file); tries++) {
      if (tries === TRIES) throw locked(subject, readHolder(path));
      await setTimeout(RETRY_MS);
    }
    const holder: LockHolder = { vm, ...ownIdentity() };
    await file.truncate(0);
    await file.write(`${JSON.stringify(holder)}\n`, 0);
    return file;
  } catch (error) {
    await closeLocked(file);
    throw error;
  }
}

async function unlock(file: FileHandle): Promise<void> {
  await file.truncate(0).catch(() => undefined);
  await closeLocked(file);
}

function locked(subject: string, holder: LockHolder | undefined): GpuvmError {
  const who = holder ? `VM ${holder.vm} (process ${holder.pid})` : 'another gpuvm';
  return new GpuvmError('GPUVM_LOCKED', `${subject} is taken by ${who}`, {
    details: { subject, ...(holder ? { holder } : {}) },
  });
}

function readHolder(path: string): LockHolder | undefined {
  try {
    const value = JSON.parse(readFileSync(path, 'utf8')) as Partial<LockHolder> | null;
    const { vm, pid, startTime } = value ?? {};
    if (typeof vm !== 'string' || typeof pid !== 'number' || typeof startTime !== 'number') return undefined;
    return { vm, pid, startTime };
  } catch {
    return undefined;
  }
}

function fileOf(subject: string, folder: string): string {
  return join(folder, `${subject.replaceAll('/', '_')}.lock`);
}
