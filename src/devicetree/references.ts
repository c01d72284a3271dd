import { phandlesOf } from './phandles.js';
import { type Tree, type TreeNode, walk } from './tree.js';
import { readCell, readCells } from './values.js';

/** A property that refers to a node by phandle. */
export interface Reference {
  /** The node that has the property. */
  readonly from: TreeNode;
  readonly property: string;
  readonly phandle: number;
  /** The cells that follow the phandle: which of the node's clocks, resets … it is. */
  readonly args: readonly number[];
}

/**
 * Which properties hold phandles, by the bindings of the specification and of Linux (drivers/of/property.c), and which
 * property of the node referred to says how many cells follow each. A tree itself does not tell, so a property of a
 * binding that is not here goes unseen.
 */
const kinds: readonly (readonly [pattern: RegExp, cellsProperty: string | undefined])[] = [
  [/^(clocks|assigned-clocks|assigned-clock-parents)$/, '#clock-cells'],
  [/^resets$/, '#reset-cells'],
  [/^power-domains$/, '#power-domain-cells'],
  [/^mboxes$/, '#mbox-cells'],
  [/^iommus$/, '#iommu-cells'],
  [/^interrupts-extended$/, '#interrupt-cells'],
  [/^interconnects$/, '#interconnect-cells'],
  [/^phys$/, '#phy-cells'],
  [/^dmas$/, '#dma-cells'],
  [/^pwms$/, '#pwm-cells'],
  [/^io-channels$/, '#io-channel-cells'],
  [/^thermal-sensors$/, '#thermal-sensor-cells'],
  [/^cooling-device$/, '#cooling-cells'],
  [/^hwlocks$/, '#hwlock-cells'],
  [/^mux-controls$/, '#mux-control-cells'],
  [/^sound-dai$/, '#sound-dai-cells'],
  [/^nvmem-cells$/, '#nvmem-cell-cells'],
  [/^msi-parent$/, '#msi-cells'],
  [/(^|-)gpios?$/, '#gpio-cells'],
  [/-supply$/, undefined],
  [/^pinctrl-\d+$/, undefined],
  [/^(interrupt-parent|phy-handle|cpu|trip|remote-endpoint|next-level-cache|l2-cache)$/, undefined],
  [/^(memory-region|shmem|sram|operating-points-v2|nvmem|cpu-idle-states|ddc-i2c-bus)$/, undefined],
];

/** Tables whose entries hold one phandle among numbers: an entry's length and the phandle's place in it, in cells. */
const tables: Readonly<Record<string, readonly [length: number, at: number]>> = {
  'iommu-map': [4, 1],
  'msi-map': [4, 1],
};

/** The references that a node's properties hold, as far as they are known to hold some. */
export function* referencesOf(node: TreeNode, phandles: Map<number, TreeNode>): Generator<Reference> {
  for (const [property, value] of node.properties) {
    const words = readCells(value) ?? [];
    for (const target of targetsIn(property, words, phandles)) yield { from: node, property, ...target };
  }
}

function* targetsIn(
  property: string,
  words: number[],
  phandles: Map<number, TreeNode>,
): Generator<Pick<Reference, 'phandle' | 'args'>> {
  const table = Object.hasOwn(tables, property) ? tables[property] : undefined;
  if (table) {
    const [length, place] = table;
    for (let at = place; at < words.length; at += length) yield { phandle: words[at]!, args: [] };
    return;
  }
  const kind = kinds.find(([pattern]) => pattern.test(property));
  if (kind === undefined) return;
  const [, cellsProperty] = kind;
  for (let at = 0; at < words.length; at++) {
    const phandle = words[at]!;
    // A gap in a list of optional things.
    if (phandle === 0) continue;
    const target = phandles.get(phandle);
    const count = cellsProperty === undefined ? 0 : (readCell(target?.get(cellsProperty)) ?? 0);
    yield { phandle, args: words.slice(at + 1, at + 1 + count) };
    // How many cells an unknown node takes nobody can say, so the rest of the list cannot be read.
    if (target === undefined) return;
    at += count;
  }
}

/** References to nodes that are not there. */
export function danglingReferences(tree: Tree): Reference[] {
  const phandles = phandlesOf(tree);
  return [...walk(tree.root)].flatMap((node) =>
    [...referencesOf(node, phandles)].filter(({ phandle }) => !phandles.has(phandle)),
  );
}

/** Takes a node out of the tree, with all below it. Returns what refers to it from the rest, which now dangles. */
export function removeNode(tree: Tree, node: TreeNode): Reference[] {
  const before = phandlesOf(tree);
  const removed = new Set(walk(node));
  node.detach();
  return [...walk(tree.root)].flatMap((other) =>
    [...referencesOf(other, before)].filter(({ phandle }) => removed.has(before.get(phandle)!)),
  );
}
