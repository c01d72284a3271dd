import { treeError } from './error.js';
import { addFixups } from './overlay-fixups.js';
import { isLabel } from './source-names.js';
import { emptyTree, type Tree, TreeNode } from './tree.js';
import { cells, strings } from './values.js';

/** A node of the tree that the overlay is for, by a label of its `__symbols__`. */
export interface LabelReference {
  readonly label: string;
}

/** What a reference in an overlay is to: a label of the tree, or a node of the overlay itself. */
export type OverlayReference = LabelReference | TreeNode;

/** A reference's place in a value that an overlay has; offset in bytes. */
export interface OverlayUse {
  readonly offset: number;
  readonly to: OverlayReference;
}

/** A label of the tree that the overlay is for. Throws GPUVM_DEVICE_TREE where it can be none. */
export function label(name: string): LabelReference {
  if (!isLabel(name)) throw treeError(`no label: ${JSON.stringify(name)}`);
  return { label: name };
}

/** A part of an overlay: what is added to one node of the tree. */
export interface Fragment {
  readonly target: LabelReference | { readonly path: string };
  /** Of no tree; what it is given, the target is given. */
  readonly content: TreeNode;
}

/**
 * Makes an overlay: `fragment` gives a node to be filled like any other, with `cells` for values that refer to nodes, and
 * `build` the tree to be written as a .dtbo, with `__fixups__`, `__local_fixups__` and `__symbols__` as dtc makes them
 * of `printOverlay`'s source.
 */
export class OverlayBuilder {
  readonly #fragments: Fragment[] = [];
  readonly #labels = new Map<string, TreeNode>();
  /** By the value itself: a property that is set to something else has the references no more. */
  readonly #uses = new WeakMap<Uint8Array, readonly OverlayUse[]>();

  get fragments(): readonly Fragment[] {
    return this.#fragments;
  }

  /** The overlay's own nodes that later overlays may refer to. */
  get labels(): ReadonlyMap<string, TreeNode> {
    return this.#labels;
  }

  /** Adds a fragment for a node of the tree, and returns the node that holds what it is given. */
  fragment(target: LabelReference | string): TreeNode {
    if (typeof target === 'string' && !target.startsWith('/'))
      throw treeError(`an overlay's target is a label or a path from the root: ${JSON.stringify(target)}`);
    const content = new TreeNode('__overlay__');
    this.#fragments.push({ target: typeof target === 'string' ? { path: target } : target, content });
    return content;
  }

  /** Cells for a property of this overlay; a reference becomes its phandle when the overlay is applied. */
  cells(...values: readonly (number | bigint | OverlayReference)[]): Uint8Array {
    const uses: OverlayUse[] = [];
    let offset = 0;
    const words = values.map((value) => {
      const word = typeof value === 'object' ? 0xffff_ffff : value;
      if (typeof value === 'object') uses.push({ offset, to: value });
      offset += typeof word === 'bigint' ? 8 : 4;
      return word;
    });
    const bytes = cells(...words);
    this.#uses.set(bytes, uses);
    return bytes;
  }

  /** Lets later overlays refer to a node of this one. */
  setLabel(name: string, node: TreeNode): void {
    this.#labels.set(label(name).label, node);
  }

  usesIn(value: Uint8Array): readonly OverlayUse[] {
    return this.#uses.get(value) ?? [];
  }

  /** The overlay as a tree of its own, with copies of what was given; may be called again after changes. */
  build(): Tree {
    const tree = emptyTree();
    const copies = new Map<TreeNode, TreeNode>();
    const uses = new Map<Uint8Array, readonly OverlayUse[]>();
    const copy = (from: TreeNode, to: TreeNode) => {
      copies.set(from, to);
      for (const [name, value] of from.properties) {
        const bytes = Uint8Array.from(value);
        uses.set(bytes, this.usesIn(value));
        to.set(name, bytes);
      }
      for (const child of from.children) copy(child, to.add(child.name));
    };
    for (const [index, { target, content }] of this.#fragments.entries()) {
      const fragment = tree.root.add(`fragment@${index.toString()}`);
      if ('path' in target) fragment.set('target-path', strings(target.path));
      else {
        const value = cells(0xffff_ffff);
        uses.set(value, [{ offset: 0, to: target }]);
        fragment.set('target', value);
      }
      copy(content, fragment.add('__overlay__'));
    }
    addFixups(tree, uses, copies, this.#labels);
    return tree;
  }
}
