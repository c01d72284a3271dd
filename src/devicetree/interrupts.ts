import type { TreeNode } from './tree.js';
import { readCell, readCells } from './values.js';

/**
 * How many interrupts a node has, by `interrupts-extended` or else `interrupts`; undefined where a controller is not in
 * the tree or does not say how many cells it takes. `phandles` is what `phandlesOf` found in the node's tree.
 */
export function interruptCount(node: TreeNode, phandles: Map<number, TreeNode>): number | undefined {
  const extended = node.get('interrupts-extended');
  if (extended !== undefined) return countExtended(readCells(extended), phandles);
  const words = readCells(node.get('interrupts'));
  if (words === undefined) return node.get('interrupts') === undefined ? 0 : undefined;
  const size = cellsOf(parentOf(node, phandles));
  return size === undefined ? undefined : Math.floor(words.length / size);
}

function countExtended(words: number[] | undefined, phandles: Map<number, TreeNode>): number | undefined {
  if (words === undefined) return undefined;
  let count = 0;
  for (let at = 0; at < words.length; count++) {
    const size = cellsOf(phandles.get(words[at]!));
    if (size === undefined) return undefined;
    at += 1 + size;
  }
  return count;
}

/** The controller: what `interrupt-parent` of the node or of the nearest node above names, else the nearest controller. */
function parentOf(node: TreeNode, phandles: Map<number, TreeNode>): TreeNode | undefined {
  for (let at: TreeNode | undefined = node; at !== undefined; at = at.parent) {
    const phandle = readCell(at.get('interrupt-parent'));
    if (phandle !== undefined) return phandles.get(phandle);
    if (at !== node && at.get('#interrupt-cells') !== undefined) return at;
  }
  return undefined;
}

function cellsOf(controller: TreeNode | undefined): number | undefined {
  return readCell(controller?.get('#interrupt-cells')) || undefined;
}
