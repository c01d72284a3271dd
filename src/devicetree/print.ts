import { type Bindings, knownBindings } from './bindings.js';
import { treeError } from './error.js';
import { Limit } from './format.js';
import { phandleOf, phandlesOf } from './phandles.js';
import { printValue, type WrittenReference } from './print-value.js';
import { type Reference, specifiersOf } from './references.js';
import { isLabel, sourceName } from './source-names.js';
import { findNode, type Tree, type TreeNode } from './tree.js';
import { readString } from './values.js';

export interface PrintOptions {
  /** Whether phandles are written as what they refer to, `<&gic 0 68 4>`, where that is known; else as numbers. */
  readonly references?: boolean;
  /** What a reference's cells are called, put behind them as a comment: `<&bpmp 304>` → `GPUSYS`. */
  readonly nameOf?: (reference: Reference) => string | undefined;
  readonly bindings?: Bindings;
}

/**
 * The tree as source, from which dtc makes the same blob again: `dtc -I dts -O dtb -b CPU`, the CPU being `tree.bootCpu`
 * (a source does not say it). Nodes have the labels that `__symbols__` has for them; that and the phandles are written too,
 * so `-@` is not to be given. Values are guessed at as dtc does (`guessValue`).
 *
 * Throws GPUVM_DEVICE_TREE where a name cannot be written as source. Source is not read by this library: dtc does that.
 */
export function printTree(tree: Tree, options: PrintOptions = {}): string {
  const printer = new Printer(tree, options);
  const reservations = tree.reservations.map(
    ({ address, size }) => `/memreserve/ 0x${address.toString(16)} 0x${size.toString(16)};`,
  );
  return ['/dts-v1/;', ...reservations, '', printer.node(tree.root), ''].join('\n');
}

/** One node and all below it, as in `printTree`; indented as the root is. */
export function printNode(tree: Tree, node: TreeNode, options: PrintOptions = {}): string {
  return new Printer(tree, options).node(node);
}

/**
 * Writes values of one tree as `printTree` does, what follows the `=`: for those who show a property alone. Of a property
 * that the node has not, or has without a value, it is empty.
 */
export function valuePrinter(
  tree: Tree,
  options: PrintOptions = {},
): (node: TreeNode, property: string) => string {
  const printer = new Printer(tree, options);
  return (node, property) => printer.value(node, property);
}

class Printer {
  readonly #references: boolean;
  readonly #nameOf: PrintOptions['nameOf'];
  readonly #bindings: Bindings;
  readonly #phandles: Map<number, TreeNode>;
  readonly #labels: Map<TreeNode, string[]>;

  constructor(tree: Tree, { references = true, nameOf, bindings = knownBindings }: PrintOptions) {
    this.#references = references;
    this.#nameOf = nameOf;
    this.#bindings = bindings;
    this.#phandles = phandlesOf(tree);
    this.#labels = labelsByNode(tree);
  }

  node(node: TreeNode, depth = 0): string {
    if (depth >= Limit.DEPTH)
      throw treeError(`a device tree has at most ${Limit.DEPTH} nodes below each other: ${node.path}`);
    const indent = '\t'.repeat(depth);
    const labels = (this.#labels.get(node) ?? []).map((each) => `${each}: `).join('');
    const name = node.parent === undefined ? '/' : sourceName(node.name, node.path);
    const properties = [...node.properties].map(
      ([property, value]) => `${indent}\t${this.#property(node, property, value)}`,
    );
    const children = [...node.children].map((child) => this.node(child, depth + 1));
    const blocks = [...(properties.length > 0 ? [properties.join('\n')] : []), ...children];
    return `${indent}${labels}${name} {\n${blocks.map((block) => `${block}\n`).join('\n')}${indent}};`;
  }

  #property(node: TreeNode, property: string, value: Uint8Array): string {
    const name = sourceName(property, node.path);
    if (value.length === 0) return `${name};`;
    return `${name} = ${this.value(node, property)};`;
  }

  value(node: TreeNode, property: string): string {
    const value = node.get(property);
    return value?.length ? printValue(value, this.#written(node, property)) : '';
  }

  #written(node: TreeNode, property: string): WrittenReference[] {
    const binding = this.#bindings(property);
    if (binding === undefined || (!this.#references && this.#nameOf === undefined)) return [];
    const isTable = 'table' in binding;
    return specifiersOf(node, property, this.#phandles, binding).map((reference) => ({
      offset: reference.offset,
      cells: isTable ? 0 : reference.args.length,
      text: this.#references ? this.#target(reference) : undefined,
      name: this.#nameOf?.(reference),
    }));
  }

  /** Undefined where dtc would not find the same number there. */
  #target({ to, phandle }: Reference): string | undefined {
    if (to === undefined || phandleOf(to) !== phandle) return undefined;
    // A phandle that is none would be replaced by another.
    if (phandle === 0xffff_ffff) return undefined;
    return `&${this.#labels.get(to)?.[0] ?? `{${to.path}}`}`;
  }
}

function labelsByNode(tree: Tree): Map<TreeNode, string[]> {
  const found = new Map<TreeNode, string[]>();
  for (const [label, value] of tree.root.child('__symbols__')?.properties ?? []) {
    const path = readString(value);
    const node = path === undefined ? undefined : findNode(tree, path);
    if (node === undefined || node.path !== path || !isLabel(label)) continue;
    found.set(node, [...(found.get(node) ?? []), label]);
  }
  return found;
}
