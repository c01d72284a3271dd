import { nearest } from '../nearest.js';
import { treeError } from './error.js';
import { findLabel, labelsOf, setLabel } from './labels.js';
import { localPlaces, type Place, placeOf } from './overlay-places.js';
import { ensurePhandle, nextPhandle, PHANDLE_NAMES, phandleOf, phandlesOf } from './phandles.js';
import { findNode, resolvePath, type Tree, type TreeNode, walk } from './tree.js';
import { readCell, readCellAt, readString, readStrings, writeCellAt } from './values.js';

/**
 * Merges an overlay, as `dtc -@` makes one of a `/plugin/` source, into a tree. Its references to labels (`__fixups__`)
 * are looked up in the tree's `__symbols__`; its own phandles (`__local_fixups__`) are moved above the tree's; its own
 * labels are added to the tree's, for later overlays. A property replaces one of the same name. Fragments are merged one
 * by one, so that one may be for what an earlier one has added.
 *
 * The outcome is that of `fdtoverlay`, but for the order of properties and nodes, which are added at the end here, and for
 * what that refuses or, in old versions, breaks: a label's node without a phandle is given one, and a node of the tree keeps
 * its phandle where the overlay has one for it too.
 *
 * `overlay` is used up. Throws GPUVM_DEVICE_TREE where a target or a label is not in the tree, or the overlay is not
 * what dtc makes; `tree` may then hold part of it (`cloneTree` first where that matters).
 */
export function applyOverlay(tree: Tree, overlay: Tree, file?: string): void {
  new Overlay(tree, overlay, file).apply();
}

class Overlay {
  readonly #tree: Tree;
  readonly #overlay: Tree;
  readonly #file: string | undefined;
  /** Where each fragment's content went: its name → its target. */
  readonly #targets = new Map<string, TreeNode>();
  /** Where the overlay refers to itself. */
  #local: readonly Place[] = [];

  constructor(tree: Tree, overlay: Tree, file: string | undefined) {
    this.#tree = tree;
    this.#overlay = overlay;
    this.#file = file;
  }

  apply(): void {
    // First, as it may give nodes of the tree phandles that they had not.
    this.#resolveLabels();
    this.#movePhandles();
    const fragments = [...this.#overlay.root.children].filter((node) => node.child('__overlay__'));
    if (fragments.length === 0) {
      throw this.#wrong('holds no fragment: is it made by dtc -@ from a source with /plugin/?');
    }
    for (const fragment of fragments) {
      const target = this.#target(fragment);
      this.#targets.set(fragment.name, target);
      this.#merge(fragment.child('__overlay__')!, target);
    }
    this.#addLabels();
  }

  /** The overlay numbers its nodes from 1; here they come after the tree's. */
  #movePhandles(): void {
    const { root } = this.#overlay;
    const offset = nextPhandle(this.#tree) - 1;
    this.#local = localPlaces(root, (what) => this.#wrong(what));
    const own = [...walk(root)].flatMap((node) =>
      PHANDLE_NAMES.flatMap((name) => {
        const value = node.get(name);
        return value?.length === 4 ? [{ value, offset: 0, where: node.path }] : [];
      }),
    );
    for (const { value, offset: at, where } of [...own, ...this.#local]) {
      const moved = readCellAt(value, at) + offset;
      if (moved >= 0xffff_ffff) throw this.#wrong(`has a phandle too high to be moved: ${where}`);
      writeCellAt(value, at, moved);
    }
  }

  #resolveLabels(): void {
    const fixups = this.#overlay.root.child('__fixups__');
    for (const [label, value] of fixups?.properties ?? []) {
      const target = findLabel(this.#tree, label);
      if (target === undefined) throw this.#unknown(label);
      const phandle = ensurePhandle(this.#tree, target);
      for (const text of readStrings(value) ?? []) {
        const place = placeOf(this.#overlay, text);
        if (place === undefined)
          throw this.#wrong(`has a fixup of ${label} for what it has not: ${JSON.stringify(text)}`);
        writeCellAt(place.value, place.offset, phandle);
      }
    }
  }

  #target(fragment: TreeNode): TreeNode {
    const phandle = fragment.get('target');
    if (phandle !== undefined) {
      const node = phandlesOf(this.#tree).get(readCell(phandle) ?? 0);
      if (node === undefined) throw this.#wrong(`does not say what its ${fragment.name} is for`);
      return node;
    }
    const path = readString(fragment.get('target-path'));
    if (path === undefined) throw this.#wrong(`does not say what its ${fragment.name} is for`);
    const node = resolvePath(this.#tree, path);
    if (node === undefined) throw this.#wrong(`is for ${path}, which the device tree has not`);
    return node;
  }

  #merge(from: TreeNode, into: TreeNode): void {
    const known = phandleOf(into);
    const own = phandleOf(from);
    // Who refers to the target by its number would be cut off by another one.
    if (known !== undefined && own !== undefined) this.#repoint(own, known);
    for (const [name, value] of from.properties) {
      if (known !== undefined && /^(linux,)?phandle$/.test(name)) continue;
      into.set(name, value);
    }
    for (const child of from.children) this.#merge(child, into.ensure(child.name));
  }

  #repoint(from: number, to: number): void {
    for (const { value, offset } of this.#local)
      if (readCellAt(value, offset) === from) writeCellAt(value, offset, to);
  }

  #addLabels(): void {
    for (const [label, value] of this.#overlay.root.child('__symbols__')?.properties ?? []) {
      const [, fragment = '', rest = ''] = /^\/([^/]+)\/__overlay__(.*)$/.exec(readString(value) ?? '') ?? [];
      const target = this.#targets.get(fragment);
      const node = target && findNode(this.#tree, `${target.path}${rest}`);
      if (node) setLabel(this.#tree, label, node);
    }
  }

  #unknown(label: string) {
    const labels = labelsOf(this.#tree);
    const meant = nearest(label, labels);
    const all = labels.length === 0 ? 'it has none' : `there are ${listed(labels)}`;
    const hint = meant ? `did you mean &${meant}?` : all;
    return this.#wrong(`refers to &${label}, a label that the device tree has not: ${hint}`);
  }

  #wrong(what: string) {
    return treeError(`the overlay ${what}`, this.#file);
  }
}

/** A chip's tree has hundreds. */
const SHOWN = 20;

function listed(labels: readonly string[]): string {
  const shown = labels.slice(0, SHOWN).map((each) => `&${each}`);
  return labels.length > SHOWN ? `${shown.join(', ')} and ${labels.length - SHOWN} more` : shown.join(', ');
}
