import {
  findLabel,
  type LabelReference,
  label,
  labelsOf,
  OverlayBuilder,
  type Phandles,
  phandleOf,
  phandlesOf,
  readCells,
  specifiersOf,
  strings,
  type Tree,
  type TreeNode,
} from '../../devicetree/index.js';
import { GpuvmError } from '../../errors.js';
import { nameOfReference } from '../names.js';

/** What a device is for that only VFIO is to have: no driver takes it. */
export const DUMMY = 'nvidia,dummy';

/** An overlay for one host's tree while it is written: what each node is given, and why. */
export class Draft {
  readonly builder = new OverlayBuilder();
  readonly tree: Tree;
  readonly phandles: Phandles;
  readonly #labels = new Map<TreeNode, LabelReference>();
  readonly #contents = new Map<TreeNode, TreeNode>();
  readonly #remarks = new Map<TreeNode, string[]>();
  readonly #names = new Map<TreeNode, Map<string, string>>();

  constructor(tree: Tree) {
    this.tree = tree;
    this.phandles = phandlesOf(tree);
    for (const name of labelsOf(tree)) {
      const node = findLabel(tree, name);
      // fdtoverlay follows a label to a phandle only.
      if (node && phandleOf(node) !== undefined && !this.#labels.has(node))
        this.#labels.set(node, label(name));
    }
  }

  /** What the overlay gives to a node of the tree; one fragment for each. */
  on(target: TreeNode): TreeNode {
    const content =
      this.#contents.get(target) ?? this.builder.fragment(this.#labels.get(target) ?? target.path);
    this.#contents.set(target, content);
    return content;
  }

  /** A node of the tree as a cell: its label, or in a tree without labels its number. */
  refer(to: TreeNode): LabelReference | number {
    const reference = this.#labels.get(to) ?? phandleOf(to);
    if (reference !== undefined) return reference;
    throw new GpuvmError(
      'GPUVM_DEVICE_TREE',
      `the host's tree has no number for ${to.path}, which the overlay must refer to: give one with labels (dtc -@)`,
    );
  }

  /** A remark above a node, for people. */
  remark(node: TreeNode, ...lines: readonly string[]): void {
    this.#remarks.set(node, [...(this.#remarks.get(node) ?? []), ...lines]);
  }

  /** A property, with what its numbers are called or why it is there behind it. */
  set(node: TreeNode, property: string, value: Uint8Array, said?: string): void {
    node.set(property, value);
    const names = this.#names.get(node) ?? new Map<string, string>();
    if (said !== undefined) names.set(property, said);
    this.#names.set(node, names);
  }

  /** A property of the tree's, with its references as the overlay's own. */
  copy(from: TreeNode, property: string, to: TreeNode): void {
    const value = from.get(property)!;
    const references = specifiersOf(from, property, this.phandles);
    const words = readCells(value);
    if (references.length === 0 || words === undefined) {
      this.set(to, property, Uint8Array.from(value));
      return;
    }
    const targets = new Map(references.map((each) => [each.offset / 4, each.to]));
    const cells = words.map((word, at) => {
      const target = targets.get(at);
      return target ? this.refer(target) : word;
    });
    const names = references.flatMap((reference) => nameOfReference(reference) ?? []);
    this.set(to, property, this.builder.cells(...cells), names.join(', ') || undefined);
  }

  /** Off, for a reason. A node that is off already stays as it is. */
  switchOff(node: TreeNode, reason: string): void {
    const content = this.on(node);
    this.set(content, 'status', strings('disabled'));
    this.remark(content, reason);
  }

  readonly remarksOf = (node: TreeNode): readonly string[] =>
    (this.#remarks.get(node) ?? []).flatMap(wrapped);
  readonly nameOf = (node: TreeNode, property: string): string | undefined =>
    this.#names.get(node)?.get(property);
}

const WIDTH = 100;

function wrapped(text: string): string[] {
  const lines = [''];
  for (const word of text.split(' ')) {
    if (lines.at(-1)!.length + word.length > WIDTH) lines.push('');
    lines[lines.length - 1] += lines.at(-1) === '' ? word : ` ${word}`;
  }
  return lines;
}
