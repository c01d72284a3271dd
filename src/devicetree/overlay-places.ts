import { findNode, type Tree, type TreeNode } from './tree.js';
import { readCells } from './values.js';

/** A cell in a property of an overlay that holds a phandle, and where that is, for messages. */
export interface Place {
  readonly value: Uint8Array;
  readonly offset: number;
  readonly where: string;
}

/** As `__fixups__` writes one: path:property:offset. Undefined where the overlay has no such cell. */
export function placeOf(overlay: Tree, text: string): Place | undefined {
  const [, path = '', property = '', digits = ''] = /^(.*):([^:]*):(\d+)$/.exec(text) ?? [];
  const value = findNode(overlay, path)?.get(property);
  const offset = Number(digits);
  return value === undefined || offset + 4 > value.length ? undefined : { value, offset, where: text };
}

/** Where an overlay refers to its own nodes: `__local_fixups__`, a tree of offsets in the shape of the overlay. */
export function localPlaces(root: TreeNode, wrong: (what: string) => Error): Place[] {
  const found: Place[] = [];
  const gather = (fixups: TreeNode, node: TreeNode) => {
    for (const [property, offsets] of fixups.properties) {
      const where = `${property} of ${node.path}`;
      const value = node.get(property);
      const cells = readCells(offsets);
      if (cells === undefined) throw wrong(`has a fixup that is no offset: ${where}`);
      for (const offset of cells) {
        if (value === undefined || offset + 4 > value.length) throw wrong(`has a fixup outside of ${where}`);
        found.push({ value, offset, where });
      }
    }
    for (const child of fixups.children) {
      const below = node.child(child.name);
      if (below === undefined) throw wrong(`has a fixup for what it has not: ${child.path}`);
      gather(child, below);
    }
  };
  const fixups = root.child('__local_fixups__');
  if (fixups) gather(fixups, root);
  return found;
}
