import type { TreeNode } from './tree.js';
import { readCell, readCells } from './values.js';

/** Physical memory or registers. In bytes; the end is address + size. */
export interface AddressRange {
  readonly address: bigint;
  readonly size: bigint;
}

/** The specification's 2.3.5, where a node says nothing. */
const ADDRESS_CELLS = 2;
const SIZE_CELLS = 1;
/** More cells than two make no number of 64 bits; PCI's three begin with flags. */
const MAX_CELLS = 2;

/**
 * What the node's `reg` comes to for a CPU, through the `ranges` of the buses above it. It ends, as for Linux, before
 * the first entry that no CPU can reach.
 */
export function regionsOf(node: TreeNode): AddressRange[] {
  const found: AddressRange[] = [];
  for (const { address, size } of entriesOf(node)) {
    const translated = translate(node, address);
    if (translated === undefined) break;
    found.push({ address: translated, size });
  }
  return found;
}

/**
 * What Linux calls the platform device that it makes of a node: `17000000.gpu`, the translated address and the node's
 * name without its own, or the names of the nodes above it (drivers/of/platform.c, of_device_make_bus_id).
 */
export function platformNameOf(node: TreeNode): string {
  let name = '';
  for (let at = node; at.parent !== undefined; at = at.parent) {
    const address = entriesOf(at)[0]?.address;
    const translated = address === undefined ? undefined : translate(at, address);
    if (translated !== undefined) {
      const own = `${translated.toString(16)}.${at.name.replace(/@.*$/, '')}`;
      return name === '' ? own : `${own}:${name}`;
    }
    name = name === '' ? at.name : `${at.name}:${name}`;
  }
  return name;
}

function entriesOf(node: TreeNode): AddressRange[] {
  const words = readCells(node.get('reg'));
  const { parent } = node;
  if (words === undefined || parent === undefined) return [];
  const { addressCells, sizeCells } = cellsOf(parent);
  if (addressCells < 1 || addressCells > MAX_CELLS || sizeCells > MAX_CELLS) return [];
  const entries: AddressRange[] = [];
  for (let at = 0; at + addressCells + sizeCells <= words.length; at += addressCells + sizeCells) {
    entries.push({
      address: numberOf(words, at, addressCells),
      size: numberOf(words, at + addressCells, sizeCells),
    });
  }
  return entries;
}

/** An address on the bus that the node is on, as the CPU has it; undefined where a bus does not lead there. */
function translate(node: TreeNode, address: bigint): bigint | undefined {
  let translated = address;
  for (let bus = node.parent; bus?.parent !== undefined; bus = bus.parent) {
    const ranges = bus.get('ranges');
    if (ranges === undefined) return undefined;
    // Empty: the same addresses on both sides.
    if (ranges.length === 0) continue;
    const next = through(bus, bus.parent, readCells(ranges) ?? [], translated);
    if (next === undefined) return undefined;
    translated = next;
  }
  return translated;
}

function through(
  bus: TreeNode,
  above: TreeNode,
  words: readonly number[],
  address: bigint,
): bigint | undefined {
  const { addressCells, sizeCells } = cellsOf(bus);
  const outer = cellsOf(above).addressCells;
  if (addressCells > MAX_CELLS || outer > MAX_CELLS || sizeCells > MAX_CELLS) return undefined;
  const length = addressCells + outer + sizeCells;
  if (length === 0) return undefined;
  for (let at = 0; at + length <= words.length; at += length) {
    const from = numberOf(words, at, addressCells);
    const size = numberOf(words, at + addressCells + outer, sizeCells);
    if (address >= from && address < from + size)
      return address - from + numberOf(words, at + addressCells, outer);
  }
  return undefined;
}

function cellsOf(node: TreeNode): { addressCells: number; sizeCells: number } {
  return {
    addressCells: readCell(node.get('#address-cells')) ?? ADDRESS_CELLS,
    sizeCells: readCell(node.get('#size-cells')) ?? SIZE_CELLS,
  };
}

function numberOf(words: readonly number[], at: number, count: number): bigint {
  return words.slice(at, at + count).reduce((value, word) => (value << 32n) | BigInt(word), 0n);
}
