import { lstatSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { treeError } from './error.js';
import { Limit, NAME } from './format.js';
import { emptyTree, type Tree, type TreeNode } from './tree.js';

/** The tree that a running kernel has. */
export interface LiveTree {
  readonly tree: Tree;
  /** The folder that it was read from. */
  readonly from: string;
  /** Properties that this process may not read (a serial number is root's alone), by path. They are left out. */
  readonly unreadable: readonly string[];
}

/** The first is a link to the second, on a real system; the kernel shows nodes as folders and properties as files. */
const FOLDERS = ['proc/device-tree', 'sys/firmware/devicetree/base'];

/**
 * Reads the running kernel's tree below the sysroot: what the firmware gave it, with what overlays and the kernel itself
 * changed since. Undefined where there is none (a host with ACPI). `/memreserve/` and the booting CPU are not in it, they
 * are only in the blob `/sys/firmware/fdt`, which root may read.
 *
 * Throws GPUVM_DEVICE_TREE where it goes beyond what any tree has; links are not followed.
 */
export function readLiveTree(sysroot = '/'): LiveTree | undefined {
  const from = FOLDERS.map((folder) => join(sysroot, folder)).find(isFolder);
  if (from === undefined) return undefined;
  const reader = new Reader(from);
  return { tree: reader.read(), from, unreadable: reader.unreadable };
}

class Reader {
  readonly unreadable: string[] = [];
  readonly #from: string;
  #nodes = 0;
  #properties = 0;
  #size = 0;

  constructor(from: string) {
    this.#from = from;
  }

  read(): Tree {
    const tree = emptyTree();
    this.#fill(tree.root, this.#from, 1);
    return tree;
  }

  #fill(node: TreeNode, folder: string, depth: number): void {
    if (depth > Limit.DEPTH) throw this.#beyond(`nodes deeper than ${Limit.DEPTH}`, folder);
    if (++this.#nodes > Limit.NODES) throw this.#beyond('too many nodes', folder);
    const entries = readdirSync(folder, { withFileTypes: true });
    for (const entry of entries.filter((each) => each.isFile()))
      this.#property(node, entry.name, join(folder, entry.name));
    for (const entry of entries.filter((each) => each.isDirectory()))
      this.#fill(node.add(entry.name), join(folder, entry.name), depth + 1);
  }

  #property(node: TreeNode, name: string, file: string): void {
    if (++this.#properties > Limit.PROPERTIES) throw this.#beyond('too many properties', file);
    const left = Limit.SIZE - this.#size;
    if ((lstatSync(file, { throwIfNoEntry: false })?.size ?? 0) > left) throw this.#beyond('too large', file);
    const value = readable(file);
    if (value === undefined) {
      this.unreadable.push(`${node.path === '/' ? '' : node.path}/${name}`);
      return;
    }
    this.#size += value.length;
    if (this.#size > Limit.SIZE) throw this.#beyond('too large', file);
    // The kernel adds it to each node.
    if (name === NAME && Buffer.from(value).toString('latin1') === `${node.name.replace(/@.*$/, '')}\0`)
      return;
    node.set(name, value);
  }

  #beyond(what: string, where: string) {
    return treeError(`this is no device tree: ${what}, at ${where}`, this.#from);
  }
}

function isFolder(path: string): boolean {
  return lstatSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false;
}

function readable(file: string): Uint8Array | undefined {
  try {
    return Uint8Array.from(readFileSync(file));
  } catch {
    return undefined;
  }
}
