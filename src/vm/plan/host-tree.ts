import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { emptyTree, parseTree, type Tree, type TreeNode } from '../../devicetree/index.js';
import { GpuvmError } from '../../errors.js';

/** The host's own device tree, and where it was found. */
export interface HostTree {
  readonly tree: Tree;
  readonly from: string;
}

/** The blob that the kernel was given, which root alone may read; and the same as folders and files, for everybody. */
const BLOB = 'sys/firmware/fdt';
const FOLDERS = ['proc/device-tree', 'sys/firmware/devicetree/base'];
/** A tree in sysfs is as deep and as large as the kernel's; these only end a loop of links. */
const MAX_DEPTH = 64;
const MAX_NODES = 65_536;

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
  const folder = FOLDERS.map((each) => join(sysroot, each)).find((each) => existsSync(each));
  return folder === undefined ? undefined : { tree: treeOfFolder(folder), from: folder };
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

function treeOfFolder(folder: string): Tree {
  const tree = emptyTree();
  let nodes = 0;
  const fill = (node: TreeNode, path: string, depth: number) => {
    for (const entry of readdirSync(path, { withFileTypes: true })) {
      const inner = join(path, entry.name);
      if (entry.isDirectory() && depth < MAX_DEPTH && nodes++ < MAX_NODES) {
        fill(node.add(entry.name), inner, depth + 1);
      } else if (entry.isFile() && entry.name !== 'name') {
        const value = readable(inner);
        if (value) node.set(entry.name, value);
      }
    }
  };
  fill(tree.root, folder, 0);
  return tree;
}

/** Some properties (a serial number) are for root alone, and no plan needs them. */
function readable(path: string): Uint8Array | undefined {
  try {
    return Uint8Array.from(readFileSync(path));
  } catch {
    return undefined;
  }
}
