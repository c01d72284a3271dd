import {
  type AddressRange,
  cells,
  cellsOf,
  fromCpuAddress,
  isEnabled,
  readStrings,
  type Tree,
  type TreeNode,
} from '../../devicetree/index.js';
import { GpuvmError } from '../../errors.js';

/** Where Linux makes devices of nodes by itself and these addresses are reached: a bus of the root's, or the root. */
export function busOf({ root }: Tree, regions: readonly AddressRange[]): TreeNode {
  const buses = [...root.children].filter(
    (node) => isEnabled(node) && readStrings(node.get('compatible'))?.includes('simple-bus'),
  );
  return buses.find((bus) => reaches(bus, regions)) ?? root;
}

export function reaches(bus: TreeNode, regions: readonly AddressRange[]): boolean {
  return regions.every(({ address }) => fromCpuAddress(bus, address) !== undefined);
}

/** `gpu@17000000`, by the address that the bus has. */
export function unitName(base: string, bus: TreeNode, address: bigint): string {
  return `${base}@${(fromCpuAddress(bus, address)?.address ?? address).toString(16)}`;
}

/** A `reg` for a child of the bus. Throws GPUVM_CONFIG where its cells have no room for it. */
export function regOn(bus: TreeNode, regions: readonly AddressRange[], device: string): Uint8Array {
  const { addressCells, sizeCells } = cellsOf(bus);
  const words = regions.flatMap(({ address, size }) => {
    const there = fromCpuAddress(bus, address)?.address;
    const pair = there === undefined ? [] : [word(there, addressCells), word(size, sizeCells)];
    if (pair.length === 2 && pair.every((each) => each !== undefined)) return pair as (number | bigint)[];
    throw new GpuvmError(
      'GPUVM_CONFIG',
      `${device}: its region at 0x${address.toString(16)} cannot be written below ${bus.path} of the host's tree (${addressCells} and ${sizeCells} cells)`,
    );
  });
  return cells(...words);
}

/** Of one cell a number, of two a bigint. */
function word(value: bigint, count: number): number | bigint | undefined {
  if (count === 2) return value;
  return count === 1 && value <= 0xffff_ffffn ? Number(value) : undefined;
}
