import { type Bindings, knownBindings } from './bindings.js';
import { type Phandles, phandlesOf } from './phandles.js';
import { specifiersOf } from './references.js';
import type { Reservation, Tree, TreeNode } from './tree.js';
import { readCells } from './values.js';

/** A difference between two trees. A node that is added or removed stands for all below it. */
export type TreeChange =
  | { readonly kind: 'node-added' | 'node-removed'; readonly path: string; readonly node: TreeNode }
  | {
      readonly kind: 'property-added';
      readonly path: string;
      readonly property: string;
      readonly after: Uint8Array;
    }
  | {
      readonly kind: 'property-removed';
      readonly path: string;
      readonly property: string;
      readonly before: Uint8Array;
    }
  | {
      readonly kind: 'property-changed';
      readonly path: string;
      readonly property: string;
      readonly before: Uint8Array;
      readonly after: Uint8Array;
    }
  | { readonly kind: 'reservation-added' | 'reservation-removed'; readonly reservation: Reservation }
  | { readonly kind: 'boot-cpu-changed'; readonly before: number; readonly after: number };

export interface DiffOptions {
  /**
   * Whether references are compared by the path of what they refer to, and phandles themselves not at all: two trees that
   * only number their nodes differently are then the same.
   */
  readonly byTarget?: boolean;
  readonly bindings?: Bindings;
}

/**
 * What makes `after` of `before`, by path, nodes in their trees' order. The order of nodes and of properties makes no
 * difference, as it makes none to a kernel.
 */
export function diffTrees(before: Tree, after: Tree, options: DiffOptions = {}): TreeChange[] {
  const changes: TreeChange[] = [];
  if (before.bootCpu !== after.bootCpu)
    changes.push({ kind: 'boot-cpu-changed', before: before.bootCpu, after: after.bootCpu });
  for (const reservation of missing(before.reservations, after.reservations))
    changes.push({ kind: 'reservation-removed', reservation });
  for (const reservation of missing(after.reservations, before.reservations))
    changes.push({ kind: 'reservation-added', reservation });
  new Comparison(phandlesOf(before), phandlesOf(after), options, changes).nodes(before.root, after.root);
  return changes;
}

class Comparison {
  readonly #before: Phandles;
  readonly #after: Phandles;
  readonly #byTarget: boolean;
  readonly #bindings: Bindings;
  readonly #changes: TreeChange[];

  constructor(before: Phandles, after: Phandles, options: DiffOptions, changes: TreeChange[]) {
    this.#before = before;
    this.#after = after;
    this.#byTarget = options.byTarget ?? false;
    this.#bindings = options.bindings ?? knownBindings;
    this.#changes = changes;
  }

  nodes(before: TreeNode, after: TreeNode): void {
    this.#properties(before, after);
    for (const child of before.children) {
      const other = after.child(child.name);
      if (other) this.nodes(child, other);
      else this.#changes.push({ kind: 'node-removed', path: child.path, node: child });
    }
    for (const child of after.children) {
      if (!before.child(child.name))
        this.#changes.push({ kind: 'node-added', path: child.path, node: child });
    }
  }

  #properties(before: TreeNode, after: TreeNode): void {
    const { path } = after;
    for (const [property, value] of before.properties) {
      if (this.#isOverlooked(property)) continue;
      const other = after.get(property);
      if (other === undefined)
        this.#changes.push({ kind: 'property-removed', path, property, before: value });
      else if (!this.#isSame(property, before, after))
        this.#changes.push({ kind: 'property-changed', path, property, before: value, after: other });
    }
    for (const [property, value] of after.properties) {
      if (!this.#isOverlooked(property) && before.get(property) === undefined)
        this.#changes.push({ kind: 'property-added', path, property, after: value });
    }
  }

  #isOverlooked(property: string): boolean {
    return this.#byTarget && /^(linux,)?phandle$/.test(property);
  }

  #isSame(property: string, before: TreeNode, after: TreeNode): boolean {
    const [a, b] = [before.get(property)!, after.get(property)!];
    const isEqual = Buffer.compare(a, b) === 0;
    // Equal numbers may mean different nodes.
    if (!this.#byTarget || this.#bindings(property) === undefined) return isEqual;
    if (a.length !== b.length) return false;
    return this.#said(before, property, this.#before) === this.#said(after, property, this.#after);
  }

  /** The value with paths in the place of phandles. */
  #said(node: TreeNode, property: string, phandles: Phandles): string {
    const words = readCells(node.get(property));
    if (words === undefined) return Buffer.from(node.get(property)!).toString('hex');
    const said: (string | number)[] = [...words];
    for (const { offset, to } of specifiersOf(node, property, phandles, this.#bindings(property)))
      if (to) said[offset / 4] = to.path;
    return said.join(' ');
  }
}

function missing(from: readonly Reservation[], to: readonly Reservation[]): Reservation[] {
  return from.filter(
    ({ address, size }) => !to.some((other) => other.address === address && other.size === size),
  );
}
