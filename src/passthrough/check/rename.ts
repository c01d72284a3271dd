import { findNode, readString, strings, type Tree, type TreeNode } from '../../devicetree/index.js';

/** Gives a node another name; what says where it is by its path goes along. */
export function renameNode(tree: Tree, node: TreeNode, name: string): TreeNode {
  const before = node.path;
  const made = node.parent!.add(name);
  moveInto(node, made);
  for (const index of ['/__symbols__', '/aliases']) {
    const paths = findNode(tree, index);
    for (const [key, value] of paths?.properties ?? []) {
      const path = readString(value);
      if (path === before || path?.startsWith(`${before}/`))
        paths!.set(key, strings(made.path + path.slice(before.length)));
    }
  }
  return made;
}

/** All that a node has, with its phandle; the node itself is taken out. */
export function moveInto(from: TreeNode, to: TreeNode): void {
  for (const [name, value] of from.properties) to.set(name, value);
  for (const child of [...from.children]) moveInto(child, to.add(child.name));
  from.detach();
}
