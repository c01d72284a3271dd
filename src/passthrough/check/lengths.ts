import { cellsOf, readCells, type TreeNode } from '../../devicetree/index.js';
import type { TreeFinding } from './finding.js';

/**
 * A property that is no whole number of its entries, by the #…-cells of the buses: it is read wrongly from some place on, and
 * all that follows from it would be.
 */
export function* checkLength(node: TreeNode, property: 'reg' | 'ranges'): Generator<TreeFinding> {
  const value = node.get(property);
  if (value === undefined || node.parent === undefined) return;
  const above = cellsOf(node.parent);
  const own = cellsOf(node);
  const entry =
    property === 'reg'
      ? above.addressCells + above.sizeCells
      : own.addressCells + above.addressCells + own.sizeCells;
  const count = readCells(value)?.length;
  if (count !== undefined && (entry === 0 ? count === 0 : count % entry === 0)) return;
  yield {
    id: 'guest-tree.length',
    status: 'fail',
    path: node.path,
    property,
    what: `it is ${count === undefined ? `${value.length} bytes` : `${count} cells`} long, and an entry has ${entry} cells by #address-cells and #size-cells`,
    right: 'whole entries',
    mend: undefined,
  };
}
