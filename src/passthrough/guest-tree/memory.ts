import {
  type AddressRange,
  cells,
  EMPTY,
  ensurePhandle,
  setLabel,
  strings,
  type TreeNode,
  u64s,
} from '../../devicetree/index.js';
import { GpuvmError } from '../../errors.js';
import type { ReservedRegion } from '../profiles/index.js';
import type { Copying } from './copying.js';
import { bytesOf } from './device-node.js';
import type { GuestDevice } from './place.js';
import { untold } from './resolve.js';

/** A region with its size, at its place in one of the VM's carve-outs. */
export interface FittedRegion extends ReservedRegion {
  readonly size: bigint;
}

/** The carve-outs that are RAM to the guest, where the guest has them. */
export function memoryOf(devices: readonly GuestDevice[]): AddressRange[] {
  return devices
    .filter((device) => device.isCarveOut && untold(device) === undefined)
    .flatMap(({ placed }) => placed.regions);
}

/**
 * The regions that lie in the VM's carve-outs. `isChosen`: somebody wrote them down for this VM, and one that lies outside
 * is a mistake, GPUVM_CONFIG; of the reference VM's, those are left out.
 */
export function fitRegions(
  regions: readonly ReservedRegion[],
  memory: readonly AddressRange[],
  isChosen: boolean,
): FittedRegion[] {
  return regions.flatMap((region): FittedRegion[] => {
    const { address, size, name } = region;
    const around = memory.find((range) => address >= range.address && address < range.address + range.size);
    const rest = around && around.address + around.size - address;
    const fitted = size === 'carve-out' ? rest : size;
    if (rest !== undefined && fitted !== undefined && fitted <= rest) return [{ ...region, size: fitted }];
    if (!isChosen) return [];
    const end = fitted === undefined ? '' : ` to 0x${(address + fitted - 1n).toString(16)}`;
    const all = memory.map(
      (range) => `0x${range.address.toString(16)} to 0x${(range.address + range.size - 1n).toString(16)}`,
    );
    throw new GpuvmError(
      'GPUVM_CONFIG',
      `deviceTree.reservedMemory: ${name} is at 0x${address.toString(16)}${end}, and not in one of the VM's carve-outs (${all.join(', ') || 'it has none'})`,
    );
  });
}

/** Memory and what of it is set aside, for whom. */
export function addMemory(
  copying: Copying,
  memory: readonly AddressRange[],
  regions: readonly FittedRegion[],
): void {
  const { guest } = copying;
  const { root } = guest;
  for (const { address, size } of memory) {
    // QEMU takes every /memory@… out of a tree that it is given, and puts its own RAM's in. Linux goes by device_type.
    root
      .ensure(`carve-out@${address.toString(16)}`)
      .set('device_type', strings('memory'))
      .set('reg', u64s(address, size));
  }
  if (regions.length === 0) return;
  const parent = root.ensure('reserved-memory');
  parent.set('#address-cells', cells(2)).set('#size-cells', cells(2)).set('ranges', EMPTY);
  const nodes = regions.map((region) => addRegion(copying, parent, region));
  const carveouts = regions
    .flatMap(({ carveoutIndex }, index) =>
      carveoutIndex === undefined ? [] : [{ carveoutIndex, node: nodes[index]! }],
    )
    .toSorted((a, b) => a.carveoutIndex - b.carveoutIndex);
  if (carveouts.length === 0) return;
  root
    .ensure('tegra-carveouts')
    .set('compatible', strings('nvidia,carveouts'))
    .set('memory-region', cells(...carveouts.map(({ node }) => ensurePhandle(guest, node))))
    .set('status', strings('okay'));
}

function addRegion(copying: Copying, parent: TreeNode, region: FittedRegion): TreeNode {
  const { name, address, size, compatible, properties } = region;
  // Linux and NVIDIA's memory manager go by `compatible` and by how the name begins.
  const node = parent.ensure(`${name}@${address.toString(16)}`);
  node.set('compatible', strings(...compatible)).set('reg', u64s(address, size));
  if (region.isKept) node.set('no-map', EMPTY);
  if (region.isReusable) node.set('reusable', EMPTY);
  if (region.isDefaultPool) node.set('linux,cma-default', EMPTY);
  for (const [property, value] of Object.entries(properties)) node.set(property, bytesOf(value, copying));
  setLabel(copying.guest, name.replaceAll(/[^A-Za-z0-9_]/g, '_'), node);
  return node;
}
