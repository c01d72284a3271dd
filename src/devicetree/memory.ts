import { type AddressRange, regionsOf } from './addresses.js';
import { isEnabled } from './status.js';
import { findNode, type Tree } from './tree.js';
import { readString, readStrings } from './values.js';

/** A range that somebody set aside. */
export interface ReservedRange extends AddressRange {
  /** For people: the node's path, or `/memreserve/`. */
  readonly by: string;
  /** Whether the kernel keeps its hands off it: `no-map`, `removed-dma-pool`, or reserved outside the tree proper. */
  readonly isKept: boolean;
}

/** RAM as the tree has it. Empty where the firmware fills it in later. */
export function memoryRanges({ root }: Tree): AddressRange[] {
  return [...root.children]
    .filter((node) => readString(node.get('device_type')) === 'memory' && isEnabled(node))
    .flatMap(regionsOf)
    .filter(({ size }) => size > 0n);
}

/** What is reserved at a fixed place; a pool that Linux places itself is not among it. */
export function reservedRanges(tree: Tree): ReservedRange[] {
  const nodes = [...(findNode(tree, '/reserved-memory')?.children ?? [])].filter(isEnabled);
  return [
    ...tree.reservations.map((range) => ({ ...range, by: '/memreserve/', isKept: true })),
    ...nodes.flatMap((node) => {
      const isPool = readStrings(node.get('compatible'))?.includes('removed-dma-pool') ?? false;
      const isKept = node.get('no-map') !== undefined || isPool;
      return regionsOf(node).map((range) => ({ ...range, by: node.path, isKept }));
    }),
  ];
}
