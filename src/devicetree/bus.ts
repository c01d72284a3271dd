import type { TreeNode } from './tree.js';
import { readCell, readCells } from './values.js';

/** An address as a bus has it. */
export interface BusAddress {
  readonly address: bigint;
  /** PCI's first cell: space, bus, device, function. Undefined on other buses. */
  readonly flags?: number;
}

/** An entry of `ranges` or `dma-ranges`: what the bus calls `child` is `parent` on the bus above. Sizes in bytes. */
export interface BusRange {
  readonly child: BusAddress;
  readonly parent: BusAddress;
  readonly size: bigint;
}

export interface BusCells {
  readonly addressCells: number;
  readonly sizeCells: number;
}

/** The specification's 2.3.5, where a node says nothing. */
const ADDRESS_CELLS = 2;
const SIZE_CELLS = 1;
/** A number of 64 bits; PCI's three cells begin with flags. */
const NUMBER_CELLS = 2;
const PCI_CELLS = 3;
/** Of PCI's flags: bit 25 is memory (of 64 bits with 24), 24 alone is I/O ports. */
const PCI_MEMORY = 0x0200_0000;
const PCI_SPACE = 0x0300_0000;

/** How many cells the addresses and sizes of a node's children have. */
export function cellsOf(bus: TreeNode): BusCells {
  return {
    addressCells: readCell(bus.get('#address-cells')) ?? ADDRESS_CELLS,
    sizeCells: readCell(bus.get('#size-cells')) ?? SIZE_CELLS,
  };
}

/**
 * The entries of a bus's `ranges` or `dma-ranges`. Undefined where it has none; empty where both sides are the same, and
 * where the cells are of no known form (more than two for a number, three other than PCI's).
 */
export function rangesOf(
  bus: TreeNode,
  property: 'ranges' | 'dma-ranges' = 'ranges',
): BusRange[] | undefined {
  const value = bus.get(property);
  if (value === undefined) return undefined;
  const above = bus.parent;
  const words = readCells(value) ?? [];
  if (above === undefined) return [];
  const { addressCells, sizeCells } = cellsOf(bus);
  const outer = cellsOf(above).addressCells;
  if (!isAddress(bus, addressCells) || !isAddress(above, outer) || sizeCells > NUMBER_CELLS) return [];
  const length = addressCells + outer + sizeCells;
  const found: BusRange[] = [];
  for (let at = 0; length > 0 && at + length <= words.length; at += length) {
    found.push({
      child: addressOf(words, at, addressCells),
      parent: addressOf(words, at + addressCells, outer),
      size: numberOf(words, at + addressCells + outer, sizeCells),
    });
  }
  return found;
}

/** Whether a bus's addresses of so many cells are understood. */
export function isAddress(bus: TreeNode, cells: number): boolean {
  return cells <= NUMBER_CELLS || (cells === PCI_CELLS && isPci(bus));
}

function isPci(bus: TreeNode): boolean {
  const type = Buffer.from(bus.get('device_type') ?? []).toString('latin1');
  return type === 'pci\0' || type === 'pciex\0' || /^pcie(@|$)/.test(bus.name);
}

export function addressOf(words: readonly number[], at: number, cells: number): BusAddress {
  return cells === PCI_CELLS
    ? { flags: words[at]!, address: numberOf(words, at + 1, NUMBER_CELLS) }
    : { address: numberOf(words, at, cells) };
}

export function numberOf(words: readonly number[], at: number, cells: number): bigint {
  let value = 0n;
  for (let index = at; index < at + cells; index++) value = (value << 32n) | BigInt(words[index] ?? 0);
  return value;
}

/** Through one entry, from the side `from`; undefined where the address is not in it. */
export function through(
  range: BusRange,
  { address, flags }: BusAddress,
  from: 'child' | 'parent',
): BusAddress | undefined {
  const [here, there] = from === 'child' ? [range.child, range.parent] : [range.parent, range.child];
  if (address < here.address || address - here.address >= range.size) return undefined;
  // Of PCI, memory is no I/O; of which width does not matter, as for Linux.
  if (flags !== undefined && here.flags !== undefined && spaceOf(flags) !== spaceOf(here.flags))
    return undefined;
  return { ...there, address: there.address + (address - here.address) };
}

function spaceOf(flags: number): 'memory' | 'io' | 'configuration' {
  if ((flags & PCI_MEMORY) !== 0) return 'memory';
  return (flags & PCI_SPACE) === 0 ? 'configuration' : 'io';
}
