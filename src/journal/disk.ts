import { constants } from 'node:fs';
import { type FileHandle, mkdir, open, rename, unlink } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';

/** The steps that a journal takes on its disk, so that a test can stop between any two of them. */
export interface JournalDisk {
  /** Makes the folder, and a file in it that was not there. */
  create(path: string): Promise<FileHandle>;
  append(file: FileHandle, text: string): Promise<void>;
  /** Resolves when what was appended would outlive a power cut. */
  sync(file: FileHandle): Promise<void>;
  /** Gives the file its name for good, and makes that outlive a power cut too. */
  publish(from: string, to: string): Promise<void>;
  remove(path: string): Promise<void>;
}

export const realDisk: JournalDisk = {
  async create(path) {
    const made = await mkdir(dirname(path), { recursive: true, mode: 0o755 });
    // Each folder that was made is a name in the one above it, which has to stay, too.
    const first = made === undefined ? undefined : resolve(made);
    for (let at = dirname(resolve(path)); first !== undefined && at.length >= first.length; at = dirname(at))
      await syncFolder(dirname(at));
    return open(path, constants.O_RDWR | constants.O_CREAT | constants.O_EXCL | constants.O_APPEND, 0o600);
  },
  async append(file, text) {
    await file.appendFile(text);
  },
  async sync(file) {
    await file.datasync();
  },
  async publish(from, to) {
    await rename(from, to);
    await syncFolder(dirname(to));
  },
  async remove(path) {
    await unlink(path);
    await syncFolder(dirname(path));
  },
};

async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, constants.O_RDONLY | constants.O_DIRECTORY);
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
