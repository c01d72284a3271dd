import type { Phandles } from './phandles.js';
import type { TreeNode } from './tree.js';
import { readCell } from './values.js';

/** One line of a device, as its controller numbers it: a GIC's cells are kind (0 shared, 1 private), number, trigger. */
export interface Interrupt {
  readonly controller: TreeNode;
  readonly cells: readonly number[];
}

/**
 * The controller or nexus that a node is wired to: what `interrupt-parent` of it or of the nearest node above names, else
 * the nearest one above.
 */
export function interruptParentOf(node: TreeNode, phandles: Phandles): TreeNode | undefined {
  // A tree may name its controllers in a circle.
  const seen = new Set<TreeNode>();
  for (let at: TreeNode | undefined = node; at !== undefined && !seen.has(at); ) {
    seen.add(at);
    const phandle = readCell(at.get('interrupt-parent'));
    const next: TreeNode | undefined = phandle === undefined ? at.parent : phandles.get(phandle);
    if (next === undefined || next.get('#interrupt-cells') !== undefined) return next;
    at = next;
  }
  return undefined;
}

/** How many cells a controller or nexus takes; undefined where it does not say, or says none. */
export function interruptCellsOf(controller: TreeNode | undefined): number | undefined {
  return readCell(controller?.get('#interrupt-cells')) || undefined;
}
