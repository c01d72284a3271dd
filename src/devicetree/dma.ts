import type { Phandles } from './phandles.js';
import { specifiersOf } from './references.js';
import type { TreeNode } from './tree.js';
import { readStrings } from './values.js';

/**
 * The node through which a device's DMA goes: what its interconnect `dma-mem` names (a memory controller), else its
 * parent; as Linux has it (drivers/of/address.c, __of_get_dma_parent).
 */
export function dmaParentOf(node: TreeNode, phandles: Phandles): TreeNode | undefined {
  const index = readStrings(node.get('interconnect-names'))?.indexOf('dma-mem') ?? -1;
  if (index < 0) return node.parent;
  const named = specifiersOf(node, 'interconnects', phandles).find((each) => each.index === index);
  return named?.to ?? node.parent;
}
