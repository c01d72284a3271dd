import { open, realpath, rename, rm, stat } from 'node:fs/promises';
import { GpuvmError } from '../../errors.js';

/**
 * Writes a file as a whole or not at all: beside it first, then in its place. What a link points to is replaced, not the
 * link, and a file that was there keeps its mode. Throws GPUVM_FILE.
 */
export async function saveWhole(path: string, bytes: Uint8Array): Promise<void> {
  const target = await realpath(path).catch(() => path);
  const partial = `${target}.${process.pid}.tmp`;
  try {
    const there = await stat(target).catch(() => undefined);
    if (there && !there.isFile()) {
      // A pipe or /dev/stdout has no place to be put in.
      const file = await open(target, 'w');
      await file.writeFile(bytes).finally(() => file.close());
      return;
    }
    const file = await open(partial, 'wx', there ? there.mode & 0o777 : 0o666);
    try {
      if (there) await file.chmod(there.mode & 0o777);
      await file.writeFile(bytes);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(partial, target);
  } catch (cause) {
    await rm(partial, { force: true }).catch(() => {});
    throw new GpuvmError('GPUVM_FILE', `${path} cannot be written: ${(cause as Error).message}`, { cause });
  }
}
