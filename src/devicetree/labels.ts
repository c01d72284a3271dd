import { findNode, type Tree, type TreeNode } from './tree.js';
import { readString, strings } from './values.js';

/** Where a tree keeps its labels: label → path, as `dtc -@` writes them. */
const SYMBOLS = '__symbols__';

/** Makes the node known to overlays by a label. */
export function setLabel({ root }: Tree, label: string, node: TreeNode): void {
  root.ensure(SYMBOLS).set(label, strings(node.path));
}

export function findLabel(tree: Tree, label: string): TreeNode | undefined {
  const path = readString(tree.root.child(SYMBOLS)?.get(label));
  return path === undefined ? undefined : findNode(tree, path);
}

/** Every label that the tree has. */
export function labelsOf({ root }: Tree): string[] {
  return [...(root.child(SYMBOLS)?.properties.keys() ?? [])];
}
