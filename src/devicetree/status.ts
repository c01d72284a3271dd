import type { TreeNode } from './tree.js';
import { readString } from './values.js';

/** Whether the system makes a device of the node: neither it nor anything above it is switched off. */
export function isEnabled(node: TreeNode): boolean {
  for (let at: TreeNode | undefined = node; at !== undefined; at = at.parent) {
    if (!['okay', 'ok', undefined].includes(readString(at.get('status')))) return false;
  }
  return true;
}
