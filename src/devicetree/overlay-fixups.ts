import { treeError } from './error.js';
import type { OverlayUse } from './overlay-builder.js';
import { ensurePhandle, phandleOf } from './phandles.js';
import { type Tree, type TreeNode, walk } from './tree.js';
import { cells, EMPTY, strings, writeCellAt } from './values.js';

interface Use extends OverlayUse {
  readonly node: TreeNode;
  readonly property: string;
  readonly value: Uint8Array;
}

/**
 * Gives an overlay phandles for its own nodes, in the order in which they are referred to, and the nodes that say where
 * its references are: in dtc's order, so that both make the same blob.
 */
export function addFixups(
  tree: Tree,
  uses: ReadonlyMap<Uint8Array, readonly OverlayUse[]>,
  copies: ReadonlyMap<TreeNode, TreeNode>,
  labels: ReadonlyMap<string, TreeNode>,
): void {
  const all = [...walk(tree.root)].flatMap((node) =>
    [...node.properties].flatMap(([property, value]) =>
      (uses.get(value) ?? []).map((use): Use => ({ ...use, node, property, value })),
    ),
  );
  const own = (node: TreeNode, where: string) => {
    const found = copies.get(node);
    if (found === undefined)
      throw treeError(`${where} refers to ${node.path}, which is no node of the overlay: use its label`);
    return found;
  };
  const local = all.flatMap((use) => {
    if ('label' in use.to) return [];
    const phandle = ensurePhandle(tree, own(use.to, `${use.node.path}/${use.property}`));
    writeCellAt(use.value, use.offset, phandle);
    return [use];
  });
  // In the order of the nodes; who has a label can be referred to by later overlays.
  const labelled = [...labels].map(([name, node]) => [name, own(node, `the label ${name}`)] as const);
  const order = new Map([...walk(tree.root)].map((node, index) => [node, index]));
  labelled.sort(([, a], [, b]) => order.get(a)! - order.get(b)!);
  for (const [, node] of labelled) if (phandleOf(node) === undefined) ensurePhandle(tree, node);

  if (labelled.length > 0) {
    const symbols = tree.root.add('__symbols__');
    for (const [name, node] of labelled) symbols.set(name, strings(node.path));
  }
  addLabelFixups(tree, all);
  addLocalFixups(tree, local);
}

function addLabelFixups(tree: Tree, uses: readonly Use[]): void {
  const places = new Map<string, string[]>();
  for (const { to, node, property, offset } of uses) {
    if (!('label' in to)) continue;
    const place = `${node.path}:${property}:${offset}`;
    places.set(to.label, [...(places.get(to.label) ?? []), place]);
  }
  if (places.size === 0) return;
  const fixups = tree.root.add('__fixups__');
  for (const [name, all] of places) fixups.set(name, strings(...all));
}

function addLocalFixups(tree: Tree, uses: readonly Use[]): void {
  for (const { node, property, offset } of uses) {
    let at = tree.root.ensure('__local_fixups__');
    for (const name of node.path.split('/').slice(1)) at = at.ensure(name);
    at.set(property, Buffer.concat([at.get(property) ?? EMPTY, cells(offset)]));
  }
}
