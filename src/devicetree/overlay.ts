import { nearest } from '../nearest.js';
import { treeError } from './error.js';
import { findLabel, labelsOf, setLabel } from './labels.js';
import { ensurePhandle, nextPhandle, phandleOf, phandlesOf } from './phandles.js';
import { findNode, type Tree, type TreeNode, walk } from './tree.js';
import { readCell, readCellAt, readCells, readString, readStrings, writeCellAt } from './values.js';

/**
 * Merges an overlay, as `dtc -@` makes one of a `/plugin/` source, into a tree. Its references to labels (`__fixups__`)
 * are looked up in the tree's `__symbols__`; its own phandles (`__local_fixups__`) are moved above the tree's; its own
 * labels are added to the tree's, for later overlays. A property replaces one of the same name.
 *
 * `overlay` is used up. Throws GPUVM_DEVICE_TREE where a target or a label is not in the tree, or the overlay is not
 * what dtc makes; `tree` may then hold part of it.
 */
export function applyOverlay(tree: Tree, overlay: Tree, file?: string): void {
  new Overlay(tree, overlay, file).apply();
}

class Overlay {
  readonly #tree: Tree;
  readonly #overlay: Tree;
  readonly #file: string | undefined;
  /** Where each fragment's content goes: its name → its target. */
  readonly #targets = new Map<string, TreeNode>();

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
    for (const fragment of fragments) this.#targets.set(fragment.name, this.#target(fragment));
    for (const fragment of fragments) {
      this.#merge(fragment.child('__overlay__')!, this.#targets.get(fragment.name)!);
    }
    this.#addLabels();
  }

  /** The overlay numbers its nodes from 1; here they come after the tree's. */
  #movePhandles(): void {
    const { root } = this.#overlay;
    const offset = nextPhandle(this.#tree) - 1;
    for (const node of walk(root)) {
      for (const name of ['phandle', 'linux,phandle']) {
        const value = node.get(name);
        if (value?.length === 4) this.#move(value, 0, offset, node.path);
      }
    }
    const fixups = root.child('__local_fixups__');
    if (fixups) this.#moveReferences(fixups, root, offset);
  }

  #moveReferences(fixups: TreeNode, node: TreeNode, offset: number): void {
    for (const [property, places] of fixups.properties) {
      const value = node.get(property);
      for (const place of readCells(places) ?? []) {
        this.#move(value, place, offset, `${property} of ${node.path}`);
      }
    }
    for (const child of fixups.children) {
      const below = node.child(child.name);
      if (below === undefined) throw this.#wrong(`has a fixup for what it has not: ${child.path}`);
      this.#moveReferences(child, below, offset);
    }
  }

  #move(value: Uint8Array | undefined, place: number, offset: number, where: string): void {
    if (value === undefined || place + 4 > value.length) throw this.#wrong(`has a fixup outside of ${where}`);
    const moved = readCellAt(value, place) + offset;
    if (moved >= 0xffff_ffff) throw this.#wrong(`has a phandle too high to be moved: ${where}`);
    writeCellAt(value, place, moved);
  }

  #resolveLabels(): void {
    const fixups = this.#overlay.root.child('__fixups__');
    for (const [label, value] of fixups?.properties ?? []) {
      const target = findLabel(this.#tree, label);
      if (target === undefined) throw this.#unknown(label);
      const phandle = ensurePhandle(this.#tree, target);
      for (const place of readStrings(value) ?? []) this.#resolve(label, place, phandle);
    }
  }

  /** A place is written as path:property:offset. */
  #resolve(label: string, place: string, phandle: number): void {
    const [, path = '', property = '', offset = ''] = /^(.*):([^:]*):(\d+)$/.exec(place) ?? [];
    const value = findNode(this.#overlay, path)?.get(property);
    if (value === undefined || Number(offset) + 4 > value.length) {
      throw this.#wrong(`has a fixup of ${label} for what it has not: ${JSON.stringify(place)}`);
    }
    writeCellAt(value, Number(offset), phandle);
  }

  #target(fragment: TreeNode): TreeNode {
    const path = readString(fragment.get('target-path'));
    if (path !== undefined) {
      const node = findNode(this.#tree, path);
      if (node === undefined) throw this.#wrong(`is for ${path}, which the guest's device tree has not`);
      return node;
    }
    const phandle = readCell(fragment.get('target'));
    const node = phandle === undefined ? undefined : phandlesOf(this.#tree).get(phandle);
    if (node === undefined) throw this.#wrong(`does not say what its ${fragment.name} is for`);
    return node;
  }

  #merge(from: TreeNode, into: TreeNode): void {
    for (const [name, value] of from.properties) {
      // Who refers to the target by its number would be cut off by another one.
      if (/^(linux,)?phandle$/.test(name) && phandleOf(into) !== undefined) continue;
      into.set(name, value);
    }
    for (const child of from.children) this.#merge(child, into.ensure(child.name));
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
    const all =
      labels.length === 0 ? 'it has none' : `there are ${labels.map((each) => `&${each}`).join(', ')}`;
    const hint = meant ? `did you mean &${meant}?` : all;
    return this.#wrong(`refers to &${label}, a label that the guest's device tree has not: ${hint}`);
  }

  #wrong(what: string) {
    return treeError(`the overlay ${what}`, this.#file);
  }
}
