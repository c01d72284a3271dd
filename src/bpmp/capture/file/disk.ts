import { constants } from 'node:fs';
import { type FileHandle, lstat, open, rename, unlink } from 'node:fs/promises';
import { dirname } from 'node:path';
import { GpuvmError } from '../../../errors.js';
import { addon } from '../../../native/index.js';

/** A file that is being written. */
export interface OpenFile {
  /** How many bytes were written: fewer than asked for where the disk is full. */
  write(bytes: Uint8Array, position: number): Promise<number>;
  /** Resolves when what was written would outlive a power cut. */
  sync(): Promise<void>;
  close(): Promise<void>;
}

/** What a capture needs of its disk, so that a test can have one that fails. */
export interface CaptureDisk {
  kindOf(path: string): Promise<'absent' | 'file' | 'link' | 'folder' | 'other'>;
  /** Makes the file, which must not be there, and locks it. */
  create(path: string, mode: number): Promise<OpenFile>;
  /** Whether a living process writes to it. */
  isLocked(path: string): Promise<boolean>;
  rename(from: string, to: string): Promise<void>;
  remove(path: string): Promise<void>;
  /** Makes what was created, renamed and removed beside the file outlive a power cut. */
  syncFolder(path: string): Promise<void>;
}

/** Node closes a handle that nobody refers to: these are referred to from here. */
const opened = new Set<FileHandle>();

/** False where another has it. A file system that knows no locks keeps nobody from writing a capture. */
function tryLock(handle: FileHandle): boolean {
  try {
    return addon().tryLockFile(handle.fd);
  } catch (error) {
    if (GpuvmError.is(error)) throw error;
    return true;
  }
}

export const realDisk: CaptureDisk = {
  async kindOf(path) {
    try {
      const found = await lstat(path);
      if (found.isFile()) return 'file';
      if (found.isDirectory()) return 'folder';
      return found.isSymbolicLink() ? 'link' : 'other';
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return 'absent';
      throw error;
    }
  },

  async create(path, mode) {
    const { O_WRONLY, O_CREAT, O_EXCL, O_NOFOLLOW } = constants;
    const handle = await open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, mode);
    opened.add(handle);
    tryLock(handle);
    return {
      write: async (bytes, position) => (await handle.write(bytes, 0, bytes.length, position)).bytesWritten,
      sync: () => handle.datasync(),
      async close() {
        opened.delete(handle);
        await handle.close();
      },
    };
  },

  async isLocked(path) {
    const { O_RDONLY, O_NOFOLLOW, O_NONBLOCK } = constants;
    const handle = await open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
    try {
      return !tryLock(handle);
    } finally {
      await handle.close();
    }
  },

  rename,
  remove: unlink,

  async syncFolder(path) {
    const handle = await open(dirname(path), constants.O_RDONLY | constants.O_DIRECTORY);
    try {
      await handle.sync();
    } finally {
      await handle.close();
    }
  },
};
