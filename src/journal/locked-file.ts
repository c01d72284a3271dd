import type { FileHandle } from 'node:fs/promises';
import { addon } from '../native/index.js';

/** Node closes a handle that nobody refers to, and its lock would go with it: these are referred to from here. */
const locked = new Set<FileHandle>();

/** Takes the file for this process until `closeLocked`, or its end; false where another has it. */
export function tryLock(file: FileHandle): boolean {
  if (!addon().tryLockFile(file.fd)) return false;
  locked.add(file);
  return true;
}

export async function closeLocked(file: FileHandle): Promise<void> {
  locked.delete(file);
  await file.close();
}
