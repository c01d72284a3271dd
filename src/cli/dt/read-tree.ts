import { readFile, stat } from 'node:fs/promises';
import { parseTree, readLiveTree, type Tree } from '../../devicetree/index.js';
import { GpuvmError } from '../../errors.js';

/** Where a running kernel shows its tree; what comes before is the sysroot. */
const LIVE = /^(.*?\/)?(proc\/device-tree|sys\/firmware\/devicetree\/base)\/?$/;

/** A tree from a blob, or the running kernel's: `/proc/device-tree`. Throws GPUVM_FILE or GPUVM_DEVICE_TREE. */
export async function readTree(path: string): Promise<Tree> {
  try {
    if ((await stat(path)).isDirectory()) return live(path);
    return parseTree(await readFile(path), { file: path });
  } catch (cause) {
    if (GpuvmError.is(cause)) throw cause;
    const { code, message } = cause as NodeJS.ErrnoException;
    const why = code === 'ENOENT' ? 'it is not there' : message;
    throw new GpuvmError('GPUVM_FILE', `the device tree ${path} cannot be read: ${why}`, { cause });
  }
}

function live(path: string): Tree {
  const match = LIVE.exec(path);
  const found = match && readLiveTree(match[1] ?? '.');
  if (!found)
    throw new GpuvmError(
      'GPUVM_FILE',
      `${path} is a folder and no kernel's device tree: give a .dtb file or /proc/device-tree`,
    );
  return found.tree;
}
