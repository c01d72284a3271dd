import {
  type AddressRange,
  cells,
  cellsOf,
  EMPTY,
  findNode,
  readStrings,
  reservedMemory,
  strings,
  type Tree,
} from '../../devicetree/index.js';
import type { ResolvedDevice } from '../guest-tree/index.js';
import { baseNameOf } from '../profiles/index.js';
import { regOn, unitName } from './bus.js';
import { type Draft, DUMMY } from './draft.js';
import { CARVE_OUT_STREAM, setStream, streamNamed } from './streams.js';

/** Reserves the carve-out in the host's memory, and makes a device of it that VFIO can hand over. */
export function addCarveOut(draft: Draft, { host, regions }: ResolvedDevice): void {
  const { tree } = draft;
  const base = baseNameOf(host);
  const [range] = regions;
  if (range === undefined) return;
  const first = range.address;
  if (!isReserved(tree, range)) {
    const memory = reservedMemoryIn(draft);
    const node = memory.content.add(unitName(base.replace(/_p$/, ''), memory.bus ?? tree.root, first));
    draft.remark(
      node,
      `Set aside for ${host}. Without no-map: KVM would map it into the guest as registers, not as memory.`,
    );
    draft.set(node, 'compatible', strings('removed-dma-pool'));
    draft.set(node, 'reg', regOn(memory.bus ?? tree.root, regions, host), sizesOf(regions));
  }
  const device = draft.on(tree.root).add(unitName(base, tree.root, first));
  draft.remark(device, `${host}: the same memory as a device, without a stream of its own.`);
  draft.set(device, 'compatible', strings(DUMMY));
  draft.set(device, 'reg', regOn(tree.root, regions, host));
  setStream(draft, device, streamNamed(tree, CARVE_OUT_STREAM, host));
  draft.set(device, 'dma-coherent', EMPTY);
  draft.set(device, 'status', strings('okay'));
}

/** The overlay's part for /reserved-memory; `bus` where the tree has that. Linux wants it to have the root's cells. */
function reservedMemoryIn(draft: Draft) {
  const bus = findNode(draft.tree, '/reserved-memory');
  if (bus) return { content: draft.on(bus), bus };
  const root = draft.on(draft.tree.root);
  const there = root.child('reserved-memory');
  if (there) return { content: there, bus: undefined };
  const content = root.add('reserved-memory');
  const { addressCells, sizeCells } = cellsOf(draft.tree.root);
  draft.set(content, '#address-cells', cells(addressCells));
  draft.set(content, '#size-cells', cells(sizeCells));
  draft.set(content, 'ranges', EMPTY);
  return { content, bus: undefined };
}

const sizesOf = (regions: readonly AddressRange[]) =>
  regions.map(({ size }) => `${(size >> 20n).toString()} MiB`).join(', ');

/** Whether the tree sets just this aside already, and for no driver. */
export function isReserved(tree: Tree, range: AddressRange): boolean {
  return reservedMemory(tree).some(
    ({ node, regions: [first] }) =>
      readStrings(node.get('compatible'))?.includes('removed-dma-pool') &&
      first?.address === range.address &&
      first.size === range.size,
  );
}
