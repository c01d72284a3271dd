import { addressOf, type BusAddress, cellsOf, isAddress, numberOf } from './bus.js';
import { toCpuAddress } from './translate.js';
import type { TreeNode } from './tree.js';
import { readCells } from './values.js';

/** Physical memory or registers. In bytes; the end is address + size. */
export interface AddressRange {
  readonly address: bigint;
  readonly size: bigint;
}

/** An entry of a node's `reg`, as its bus has it. */
export interface RegEntry extends BusAddress {
  readonly size: bigint;
}

/**
 * What the node's `reg` comes to for a CPU, through the `ranges` of the buses above it. It ends, as for Linux, before
 * the first entry that no CPU can reach.
 */
export function regionsOf(node: TreeNode): AddressRange[] {
  const found: AddressRange[] = [];
  for (const entry of regOf(node)) {
    const address = translate(node, entry);
    if (address === undefined) break;
    found.push({ address, size: entry.size });
  }
  return found;
}

/** The entries of a node's `reg`, not translated; empty where it has none, or its bus has no known form. */
export function regOf(node: TreeNode): RegEntry[] {
  const words = readCells(node.get('reg'));
  const { parent } = node;
  if (words === undefined || parent === undefined) return [];
  const { addressCells, sizeCells } = cellsOf(parent);
  if (addressCells < 1 || !isAddress(parent, addressCells) || sizeCells > 2) return [];
  const entries: RegEntry[] = [];
  for (let at = 0; at + addressCells + sizeCells <= words.length; at += addressCells + sizeCells) {
    entries.push({
      ...addressOf(words, at, addressCells),
      size: numberOf(words, at + addressCells, sizeCells),
    });
  }
  return entries;
}

/**
 * What Linux calls the platform device that it makes of a node: `17000000.gpu`, the translated address and the node's
 * name without its own, or the names of the nodes above it (drivers/of/platform.c, of_device_make_bus_id).
 */
export function platformNameOf(node: TreeNode): string {
  let name = '';
  for (let at = node; at.parent !== undefined; at = at.parent) {
    const [entry] = regOf(at);
    const translated = entry === undefined ? undefined : translate(at, entry);
    if (translated !== undefined) {
      const own = `${translated.toString(16)}.${at.name.replace(/@.*$/, '')}`;
      return name === '' ? own : `${own}:${name}`;
    }
    name = name === '' ? at.name : `${at.name}:${name}`;
  }
  return name;
}

function translate(node: TreeNode, address: BusAddress): bigint | undefined {
  return node.parent === undefined ? undefined : toCpuAddress(node.parent, address);
}
