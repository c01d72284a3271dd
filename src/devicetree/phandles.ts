import { treeError } from './error.js';
import { type Tree, type TreeNode, walk } from './tree.js';
import { cells, readCell } from './values.js';

/** 0 and all ones are no phandles. */
const LAST_PHANDLE = 0xffff_fffe;
/** A node's own, by either name: the older one stands in trees that firmware made long ago. */
export const PHANDLE_NAMES = ['phandle', 'linux,phandle'] as const;

/** The nodes that can be referred to, by number, as `phandlesOf` finds them. */
export type Phandles = ReadonlyMap<number, TreeNode>;

/** By what number other nodes refer to this one; undefined where none can. */
export function phandleOf(node: TreeNode): number | undefined {
  return readCell(node.get('phandle')) ?? readCell(node.get('linux,phandle'));
}

/** Every node that can be referred to. The first of two that have the same phandle is taken, as by Linux. */
export function phandlesOf(tree: Tree): Map<number, TreeNode> {
  const found = new Map<number, TreeNode>();
  for (const node of walk(tree.root)) {
    const phandle = phandleOf(node);
    if (phandle !== undefined && !found.has(phandle)) found.set(phandle, node);
  }
  return found;
}

/** Phandles that more than one node has, with those nodes: a reference to one means only the first. */
export function duplicatePhandles(tree: Tree): Map<number, readonly TreeNode[]> {
  const all = new Map<number, TreeNode[]>();
  for (const node of walk(tree.root)) {
    const phandle = phandleOf(node);
    if (phandle === undefined) continue;
    const nodes = all.get(phandle);
    if (nodes) nodes.push(node);
    else all.set(phandle, [node]);
  }
  return new Map([...all].filter(([, nodes]) => nodes.length > 1));
}

/** Above all that are there. Throws GPUVM_DEVICE_TREE where none is left. */
export function nextPhandle(tree: Tree): number {
  let highest = 0;
  for (const node of walk(tree.root)) {
    const phandle = phandleOf(node) ?? 0;
    if (phandle <= LAST_PHANDLE) highest = Math.max(highest, phandle);
  }
  if (highest === LAST_PHANDLE) throw treeError('the device tree has no phandle left');
  return highest + 1;
}

/** The node's phandle, given to it where it had none. */
export function ensurePhandle(tree: Tree, node: TreeNode): number {
  const known = phandleOf(node);
  if (known !== undefined) return known;
  const phandle = nextPhandle(tree);
  node.set('phandle', cells(phandle));
  return phandle;
}
