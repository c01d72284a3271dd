import type { Phandles, Tree, TreeNode } from '../../devicetree/index.js';

/** What became of one property on its way from the host's tree to the guest's. */
export interface PropertyChange {
  /** In the guest's tree. */
  readonly path: string;
  readonly property: string;
  readonly what: 'dropped' | 'shortened' | 'set';
  readonly reason: string;
}

/** What is needed to copy nodes from a host's tree into a guest's. */
export interface Copying {
  readonly guest: Tree;
  /** The guest's own BPMP, to which all that the host's is asked for goes. */
  readonly bpmp: TreeNode;
  readonly hostPhandles: Phandles;
  /** The guest's node of each of the host's that goes along. */
  readonly copies: Map<TreeNode, TreeNode>;
  /** Those of the host's among them that are no device of the VM's but lie below one. */
  readonly inner: Set<TreeNode>;
  readonly changes: PropertyChange[];
}
