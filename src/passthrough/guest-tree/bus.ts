import {
  cells,
  cellsOf,
  ensurePhandle,
  rangesOf,
  readCell,
  readStrings,
  strings,
  type Tree,
  type TreeNode,
  u64s,
  walk,
} from '../../devicetree/index.js';
import { GpuvmError } from '../../errors.js';
import type { GuestDevice } from './place.js';

/**
 * The node of QEMU's platform bus, on which the devices keep the host's addresses: `ranges` says where QEMU has them.
 * QEMU's own has one range for all of the bus, with addresses counted from its beginning.
 */
export function platformBusIn(tree: Tree, devices: readonly GuestDevice[], base: bigint): TreeNode {
  const { root } = tree;
  const { addressCells, sizeCells } = cellsOf(root);
  if (addressCells !== 2 || sizeCells !== 2)
    throw new GpuvmError(
      'GPUVM_DEVICE_TREE',
      `QEMU's device tree has addresses of ${addressCells} cells and sizes of ${sizeCells}, not 2 and 2: it is not that of machine virt`,
    );
  const own = findPlatformBus(tree);
  const node = own ?? root.add(`platform-bus@${base.toString(16)}`);
  node
    .set('compatible', strings('qemu,platform', 'simple-bus'))
    .set('#address-cells', cells(2))
    .set('#size-cells', cells(2))
    .set('interrupt-parent', cells(ensurePhandle(tree, gicOf(tree))));
  node.set('ranges', u64s(...devices.flatMap(rangesFor)));
  return node;
}

export function findPlatformBus({ root }: Tree): TreeNode | undefined {
  return [...root.children].find((node) => readStrings(node.get('compatible'))?.includes('qemu,platform'));
}

/** What a device calls its regions, what they are to the guest's CPUs, how long. */
function rangesFor({ regions, placed }: GuestDevice): bigint[] {
  return regions.flatMap(({ address, size }, index) => [address, placed.regions[index]!.address, size]);
}

/** The controller that the platform bus is wired to: a GIC, whose interrupts have three cells. */
export function gicOf({ root }: Tree): TreeNode {
  const phandle = readCell(root.get('interrupt-parent'));
  for (const node of walk(root)) {
    if (phandle === undefined || readCell(node.get('phandle')) !== phandle) continue;
    if (readCell(node.get('#interrupt-cells')) === 3) return node;
  }
  throw new GpuvmError(
    'GPUVM_DEVICE_TREE',
    "QEMU's device tree names no GIC as the root's interrupt-parent: the devices' interrupts have nowhere to go",
  );
}

/** What children of `bus` call an address that `bus` itself lies among; a range is added where none leads there. */
export function addressWithin(bus: TreeNode, address: bigint, size: bigint): bigint {
  // An empty one changes no address.
  if (bus.get('ranges')?.length === 0) return address;
  for (const range of rangesOf(bus) ?? []) {
    const offset = address - range.parent.address;
    if (offset >= 0n && offset + size <= range.size) return range.child.address + offset;
  }
  const { addressCells, sizeCells } = cellsOf(bus);
  const number = (value: bigint, count: number) => (count === 2 ? value : Number(value));
  const entry = cells(number(address, addressCells), address, number(size, sizeCells));
  bus.set('ranges', Buffer.concat([bus.get('ranges') ?? new Uint8Array(0), entry]));
  return address;
}
