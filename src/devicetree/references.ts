import { type Bindings, knownBindings, type ReferenceBinding } from './bindings.js';
import { type Phandles, phandlesOf } from './phandles.js';
import { type Tree, type TreeNode, walk } from './tree.js';
import { readCell, readCells, writeCellAt } from './values.js';

/** A property that refers to a node by phandle. */
export interface Reference {
  /** The node that has the property. */
  readonly from: TreeNode;
  readonly property: string;
  /** Where in the value the phandle is, in bytes. */
  readonly offset: number;
  /** Which of the property's references it is, gaps counted, as `clock-names` and the like number them. */
  readonly index: number;
  readonly phandle: number;
  /** The node referred to; undefined where there is none. */
  readonly to: TreeNode | undefined;
  /** The cells that follow the phandle: which of the node's clocks, resets … it is. */
  readonly args: readonly number[];
}

type Found = Pick<Reference, 'offset' | 'index' | 'phandle' | 'to' | 'args'>;

/**
 * The references that a node's properties hold, as far as they are known to hold some (bindings.ts). `phandles` is what
 * `phandlesOf` found in the node's tree.
 */
export function* referencesOf(
  node: TreeNode,
  phandles: Phandles,
  bindings: Bindings = knownBindings,
): Generator<Reference> {
  if (isIndex(node)) return;
  for (const property of node.properties.keys()) {
    const binding = bindings(property);
    if (binding !== undefined) yield* specifiersOf(node, property, phandles, binding);
  }
}

/** Those of one property: `specifiersOf(node, 'clocks', phandles)`. A gap (a zero) counts in `index` and is left out. */
export function specifiersOf(
  node: TreeNode,
  property: string,
  phandles: Phandles,
  binding: ReferenceBinding | undefined = knownBindings(property),
): Reference[] {
  if (binding === undefined || isIndex(node) || isHog(node, property)) return [];
  const words = readCells(node.get(property)) ?? [];
  return [...targetsIn(node, words, binding, phandles)].map((found) => ({ from: node, property, ...found }));
}

function* targetsIn(
  node: TreeNode,
  words: readonly number[],
  binding: ReferenceBinding,
  phandles: Phandles,
): Generator<Found> {
  if ('table' in binding) {
    yield* binding.table === 'iommu-map'
      ? inIommuMap(words, phandles)
      : inInterruptMap(node, words, phandles);
    return;
  }
  for (let at = 0, index = 0; at < words.length; at++, index++) {
    const phandle = words[at]!;
    // A gap in a list of optional things.
    if (phandle === 0) continue;
    const to = phandles.get(phandle);
    const count = binding.cells === 'rest' ? words.length : countOf(to, binding);
    const args = words.slice(at + 1, at + 1 + count);
    yield { offset: 4 * at, index, phandle, to, args };
    // How many cells an unknown node takes nobody can say, so the rest of the list cannot be read.
    if (to === undefined && typeof binding.cells === 'string') return;
    at += count;
  }
}

/** Its properties are labels and names, of which one may be called as a reference is. */
function isIndex({ name, parent }: TreeNode): boolean {
  return (
    parent !== undefined &&
    parent.parent === undefined &&
    /^(__symbols__|__fixups__|__local_fixups__|aliases|chosen)$/.test(name)
  );
}

/** A GPIO hog's are its parent's: numbers without a phandle. */
function isHog(node: TreeNode, property: string): boolean {
  return property === 'gpios' && node.get('gpio-hog') !== undefined;
}

function countOf(to: TreeNode | undefined, binding: { cells: string | number; otherwise?: number }): number {
  if (typeof binding.cells === 'number') return binding.cells;
  return readCell(to?.get(binding.cells)) ?? binding.otherwise ?? 0;
}

/** Entries of four: an id, a phandle, what it becomes there, how many. */
function* inIommuMap(words: readonly number[], phandles: Phandles): Generator<Found> {
  for (let at = 1, index = 0; at < words.length; at += 4, index++) {
    const phandle = words[at]!;
    yield { offset: 4 * at, index, phandle, to: phandles.get(phandle), args: words.slice(at + 1, at + 3) };
  }
}

/** Entries of a child's address and interrupt, a phandle, and an address and interrupt there; the sizes are the nodes'. */
function* inInterruptMap(node: TreeNode, words: readonly number[], phandles: Phandles): Generator<Found> {
  const own = (readCell(node.get('#address-cells')) ?? 0) + (readCell(node.get('#interrupt-cells')) ?? 0);
  for (let at = own, index = 0; at < words.length; index++) {
    const phandle = words[at]!;
    const to = phandles.get(phandle);
    const count = (readCell(to?.get('#address-cells')) ?? 0) + (readCell(to?.get('#interrupt-cells')) ?? 0);
    yield { offset: 4 * at, index, phandle, to, args: words.slice(at + 1, at + 1 + count) };
    if (to === undefined) return;
    at += 1 + count + own;
  }
}

/** Who refers to each node, for all of a tree: one pass, then a look-up per node. */
export function referrersOf(tree: Tree, bindings: Bindings = knownBindings): Map<TreeNode, Reference[]> {
  const found = new Map<TreeNode, Reference[]>();
  const phandles = phandlesOf(tree);
  for (const node of walk(tree.root)) {
    for (const reference of referencesOf(node, phandles, bindings)) {
      if (reference.to === undefined) continue;
      const all = found.get(reference.to);
      if (all) all.push(reference);
      else found.set(reference.to, [reference]);
    }
  }
  return found;
}

/** References to nodes that are not there. */
export function danglingReferences(tree: Tree, bindings: Bindings = knownBindings): Reference[] {
  const phandles = phandlesOf(tree);
  return [...walk(tree.root)].flatMap((node) =>
    [...referencesOf(node, phandles, bindings)].filter(({ to }) => to === undefined),
  );
}

/** Has a reference mean another node, by that one's phandle; what follows it stays as it is. */
export function rewire({ from, property, offset }: Reference, phandle: number): void {
  const value = Uint8Array.from(from.get(property)!);
  writeCellAt(value, offset, phandle);
  from.set(property, value);
}

/** Takes a node out of the tree, with all below it. Returns what refers to it from the rest, which now dangles. */
export function removeNode(tree: Tree, node: TreeNode, bindings: Bindings = knownBindings): Reference[] {
  const before = phandlesOf(tree);
  const removed = new Set(walk(node));
  node.detach();
  return [...walk(tree.root)].flatMap((other) =>
    [...referencesOf(other, before, bindings)].filter(({ to }) => to !== undefined && removed.has(to)),
  );
}
