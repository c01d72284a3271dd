import { treeError } from './error.js';
import { type Tree, type TreeNode, walk } from './tree.js';
import { cells, readCell } from './values.js';

/** 0 and all ones are no phandles. */
const LAST_PHANDLE = 0xffff_fffe;

/** By what number other nodes refer to this one; undefined where none can. */
export function phandleOf(node: TreeNode): number | undefined {
  // The older name stands in trees that firmware made long ago.
  return readCell(node.get('phandle')) ?? readCell(node.get('linux,phandle'));
}

/** Every node that can be referred to. The first of two that have the same phandle is taken. */
export function phandlesOf(tree: Tree): Map<number, TreeNode> {
  const found = new Map<number, TreeNode>();
  for (const node of walk(tree.root)) {
    const phandle = phandleOf(node);
    if (phandle !== undefined && !found.has(phandle)) found.set(phandle, node);
  }
  return found;
}

/** Above all that are there. Throws GPUVM_DEVICE_TREE where none is left. */
export function nextPhandle(tree: Tree): number {
  let highest = 0;
  for (const phandle of phandlesOf(tree).keys()) {
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
