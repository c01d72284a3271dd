import { type BusAddress, rangesOf, through } from './bus.js';
import { dmaParentOf } from './dma.js';
import type { Phandles } from './phandles.js';
import type { TreeNode } from './tree.js';

/**
 * What a CPU calls an address that a child of `bus` says in its `reg`: through the `ranges` of each bus on the way up.
 * Undefined where one of them has none or does not cover it, so that no CPU gets there (an I2C bus).
 */
export function toCpuAddress(bus: TreeNode, address: bigint | BusAddress): bigint | undefined {
  let at: BusAddress | undefined = asAddress(address);
  for (let node = bus; node.parent !== undefined && at !== undefined; node = node.parent)
    at = across(node, at, 'child');
  return at?.address;
}

/** The reverse: what the children of `bus` call a CPU's address; undefined where it does not lead onto that bus. */
export function fromCpuAddress(bus: TreeNode, address: bigint): BusAddress | undefined {
  const way: TreeNode[] = [];
  for (let node = bus; node.parent !== undefined; node = node.parent) way.unshift(node);
  let at: BusAddress | undefined = { address };
  for (const node of way) if (at !== undefined) at = across(node, at, 'parent');
  return at;
}

/**
 * Where in memory an address leads that a device puts on its bus for DMA, without an IOMMU: through the `dma-ranges` of
 * each bus on the way (`dmaParentOf`). One that has none, or an empty one, changes nothing, as for Linux. Undefined where
 * one has entries and none of them covers it.
 */
export function dmaToCpuAddress(device: TreeNode, address: bigint, phandles: Phandles): bigint | undefined {
  let at: BusAddress | undefined = { address };
  for (const bus of dmaWay(device, phandles)) if (at !== undefined) at = acrossDma(bus, at, 'child');
  return at?.address;
}

/** The reverse: what a device puts on its bus to reach an address in memory. */
export function cpuToDmaAddress(device: TreeNode, address: bigint, phandles: Phandles): bigint | undefined {
  let at: BusAddress | undefined = { address };
  for (const bus of dmaWay(device, phandles).reverse())
    if (at !== undefined) at = acrossDma(bus, at, 'parent');
  return at?.address;
}

/** The buses between a device and memory, innermost first. */
function dmaWay(device: TreeNode, phandles: Phandles): TreeNode[] {
  const way = new Set<TreeNode>();
  // A tree may name its memory controllers in a circle; each bus is crossed once.
  for (let bus = dmaParentOf(device, phandles); bus?.parent !== undefined; bus = dmaParentOf(bus, phandles)) {
    if (way.has(bus)) break;
    way.add(bus);
  }
  return [...way];
}

function across(bus: TreeNode, address: BusAddress, from: 'child' | 'parent'): BusAddress | undefined {
  // Without the property there is no way through, with an empty one the addresses are the same on both sides.
  if (bus.get('ranges')?.length === 0) return address;
  return first(rangesOf(bus), address, from);
}

function acrossDma(bus: TreeNode, address: BusAddress, from: 'child' | 'parent'): BusAddress | undefined {
  if ((bus.get('dma-ranges')?.length ?? 0) === 0) return address;
  return first(rangesOf(bus, 'dma-ranges'), address, from);
}

function first(ranges: ReturnType<typeof rangesOf>, address: BusAddress, from: 'child' | 'parent') {
  for (const range of ranges ?? []) {
    const there = through(range, address, from);
    if (there !== undefined) return there;
  }
  return undefined;
}

function asAddress(address: bigint | BusAddress): BusAddress {
  return typeof address === 'bigint' ? { address } : address;
}
