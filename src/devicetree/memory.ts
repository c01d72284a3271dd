import { type AddressRange, regionsOf } from './addresses.js';
import { cellsOf, numberOf } from './bus.js';
import type { Phandles } from './phandles.js';
import { specifiersOf } from './references.js';
import { isEnabled } from './status.js';
import { findNode, type Tree, type TreeNode } from './tree.js';
import { readCells, readString, readStrings } from './values.js';

/** A range that somebody set aside. */
export interface ReservedRange extends AddressRange {
  /** For people: the node's path, or `/memreserve/`. */
  readonly by: string;
  /** Whether the kernel keeps its hands off it: `no-map`, `removed-dma-pool`, or reserved outside the tree proper. */
  readonly isKept: boolean;
}

/** A node of /reserved-memory. */
export interface ReservedMemory {
  readonly node: TreeNode;
  /** Where it is; empty for one that Linux places itself. */
  readonly regions: readonly AddressRange[];
  /** Of one that Linux places itself: how large, on which multiple, and within what (`alloc-ranges`). In bytes. */
  readonly size: bigint | undefined;
  readonly alignment: bigint | undefined;
  readonly within: readonly AddressRange[];
  readonly isKept: boolean;
  /** Whether Linux lends it out until its owner wants it (a CMA pool). */
  readonly isReusable: boolean;
}

/** RAM as the tree has it. Empty where the firmware fills it in later. */
export function memoryRanges({ root }: Tree): AddressRange[] {
  return [...root.children]
    .filter((node) => readString(node.get('device_type')) === 'memory' && isEnabled(node))
    .flatMap(regionsOf)
    .filter(({ size }) => size > 0n);
}

/** What is reserved at a fixed place; a pool that Linux places itself is not among it (`reservedMemory` has those too). */
export function reservedRanges(tree: Tree): ReservedRange[] {
  return [
    ...tree.reservations.map((range) => ({ ...range, by: '/memreserve/', isKept: true })),
    ...reservedMemory(tree).flatMap(({ node, regions, isKept }) =>
      regions.map((range) => ({ ...range, by: node.path, isKept })),
    ),
  ];
}

/** The nodes of /reserved-memory that are not switched off. */
export function reservedMemory(tree: Tree): ReservedMemory[] {
  return [...(findNode(tree, '/reserved-memory')?.children ?? [])].filter(isEnabled).map((node) => {
    const isPool = readStrings(node.get('compatible'))?.includes('removed-dma-pool') ?? false;
    return {
      node,
      regions: regionsOf(node),
      size: sizeIn(node, 'size'),
      alignment: sizeIn(node, 'alignment'),
      within: rangesIn(node, 'alloc-ranges'),
      isKept: node.get('no-map') !== undefined || isPool,
      isReusable: node.get('reusable') !== undefined,
    };
  });
}

/** The nodes of /reserved-memory that a device uses: its `memory-region`. */
export function memoryRegionsOf(node: TreeNode, phandles: Phandles): TreeNode[] {
  return specifiersOf(node, 'memory-region', phandles).flatMap(({ to }) => to ?? []);
}

function sizeIn(node: TreeNode, property: string): bigint | undefined {
  const words = readCells(node.get(property));
  return words?.length === 1 || words?.length === 2 ? numberOf(words, 0, words.length) : undefined;
}

function rangesIn(node: TreeNode, property: string): AddressRange[] {
  const words = readCells(node.get(property)) ?? [];
  const { addressCells, sizeCells } = node.parent ? cellsOf(node.parent) : { addressCells: 0, sizeCells: 0 };
  const length = addressCells + sizeCells;
  if (addressCells > 2 || sizeCells > 2 || length === 0) return [];
  return Array.from({ length: Math.floor(words.length / length) }, (_, index) => ({
    address: numberOf(words, index * length, addressCells),
    size: numberOf(words, index * length + addressCells, sizeCells),
  }));
}
