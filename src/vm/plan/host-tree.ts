import { readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseTree, readLiveTree, type Tree } from '../../devicetree/index.js';
import { GpuvmError } from '../../errors.js';

/** The host's own device tree, and where it was found. */
export interface HostTree {
  readonly tree: Tree;
  readonly from: string;
}

/** The blob that the kernel was given, which root alone may read; what everybody may read is `readLiveTree`'s. */
const BLOB = 'sys/firmware/fdt';

/**
 * Reads the host's tree from a blob, or from below the sysroot; undefined where that has none (a host with ACPI).
 * Throws GPUVM_FILE or GPUVM_DEVICE_TREE where a blob that was named cannot be read.
 */
export async function readHostTree(sysroot: string, blob?: string): Promise<HostTree | undefined> {
  if (blob !== undefined) return { tree: parseTree(await read(blob), { file: blob }), from: blob };
  const firmware = join(sysroot, BLOB);
  try {
    // sysfs hands out a page at a time, which the other readFile takes for the end.
    return { tree: parseTree(readFileSync(firmware), { file: firmware }), from: firmware };
  } catch (error) {
    // Not there, or not for us; a damaged one is no reason to look elsewhere.
    if (GpuvmError.is(error)) throw error;
  }
  return readLiveTree(sysroot);
}

async function read(file: string): Promise<Uint8Array> {
  try {
    return await readFile(file);
  } catch (cause) {
    const why =
      (cause as NodeJS.ErrnoException).code === 'ENOENT' ? 'it is not there' : (cause as Error).message;
    throw new GpuvmError('GPUVM_FILE', `the host's device tree ${file} cannot be read: ${why}`, { cause });
  }
}
