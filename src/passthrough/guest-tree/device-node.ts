import { tegra234 } from '../../bpmp/tegra234/index.js';
import {
  cells,
  cellsOf,
  EMPTY,
  ensurePhandle,
  isEnabled,
  rangesOf,
  readStrings,
  strings,
  type TreeNode,
  toCpuAddress,
  u64s,
} from '../../devicetree/index.js';
import { GpuvmError } from '../../errors.js';
import type { KnownResource, ProfileValue } from '../profiles/index.js';
import { addressWithin } from './bus.js';
import type { Copying } from './copying.js';
import type { GuestDevice } from './place.js';
import { copyDeviceProperties } from './properties.js';

/** The shared interrupts of a GIC. */
const SPI = 0;

/** What a device's node is called: its profile's name for it, at the address that the host has it at. */
export function nodeNameOf({ profile, regions, described, isDescribed }: GuestDevice): string {
  const own = isDescribed ? described!.name.replace(/@.*$/, '') : profile.match.nodes[0]!;
  const [first] = regions;
  return first === undefined ? own : `${own}@${first.address.toString(16)}`;
}

/** All that a device's own node has. Its children are there already, and the node's place is decided. */
export function fillDevice(device: GuestDevice, node: TreeNode, copying: Copying): void {
  const { profile, described, isDescribed } = device;
  node.set(
    'compatible',
    isDescribed ? (described!.get('compatible') ?? EMPTY) : strings(...profile.guest.compatible),
  );
  setRegisters(device, node);
  setInterrupts(device, node, copying);
  if (described) copyDeviceProperties(described, node, profile, copying);
  if (!isDescribed) addKnown(device, node, copying);
  if (described) widenRanges(described, node);
  for (const { property, value, reason } of profile.guest.set) {
    node.set(property, bytesOf(value, copying));
    copying.changes.push({ path: node.path, property, what: 'set', reason });
  }
  node.set('status', strings(isOn(device) ? 'okay' : 'disabled'));
  if (node.hasChildren) return;
  // They are about nodes below it, and it has none.
  for (const property of ['#address-cells', '#size-cells', 'ranges', 'dma-ranges'])
    node.properties.delete(property);
}

export function bytesOf(value: ProfileValue, { guest, bpmp }: Pick<Copying, 'guest' | 'bpmp'>): Uint8Array {
  if ('cells' in value) return cells(...value.cells);
  if ('bpmp' in value) return cells(ensurePhandle(guest, bpmp), ...value.bpmp);
  return 'strings' in value ? strings(...value.strings) : EMPTY;
}

function isOn({ profile, described, isDescribed }: GuestDevice): boolean {
  if (profile.guest.status === 'okay') return true;
  return isDescribed && isEnabled(described!);
}

function setRegisters({ regions, shape, profile }: GuestDevice, node: TreeNode): void {
  const bus = node.parent!;
  const isOnPlatformBus = bus.parent?.parent === undefined;
  const { addressCells, sizeCells } = cellsOf(bus);
  const number = (value: bigint, count: number) => (count === 2 ? value : Number(value));
  const entries = regions.map(({ address, size }) => {
    const there = isOnPlatformBus ? address : addressWithin(bus, address, size);
    return isOnPlatformBus ? u64s(there, size) : cells(number(there, addressCells), number(size, sizeCells));
  });
  if (entries.length > 0) node.set('reg', Buffer.concat(entries));
  const names = shape
    ? readStrings(shape.get('reg-names'))
    : profile.known?.regions.flatMap(({ as }) => as ?? []);
  if (names && names.length >= regions.length && regions.length > 0)
    node.set('reg-names', strings(...names.slice(0, regions.length)));
}

function setInterrupts({ placed, lines, shape, profile }: GuestDevice, node: TreeNode, _: Copying): void {
  if (placed.spis.length === 0) return;
  const each = placed.spis.flatMap((spi, index) => [SPI, spi, lines[index]!.trigger]);
  node.set('interrupts', cells(...each));
  const names = shape
    ? readStrings(shape.get('interrupt-names'))
    : profile.known?.interrupts.flatMap(({ as }) => as ?? []);
  if (names && names.length >= placed.spis.length)
    node.set('interrupt-names', strings(...names.slice(0, placed.spis.length)));
}

/** Its own addresses stay; those of the bus around it have two cells in the guest, and are the CPUs'. */
function widenRanges(from: TreeNode, node: TreeNode): void {
  if (!node.get('ranges')?.length || from.parent === undefined) return;
  const { addressCells, sizeCells } = cellsOf(from);
  const number = (value: bigint, count: number) => (count === 2 ? value : Number(value));
  const entries = (rangesOf(from) ?? []).map(({ child, parent, size }) =>
    cells(
      number(child.address, addressCells),
      toCpuAddress(from.parent!, parent) ?? parent.address,
      number(size, sizeCells),
    ),
  );
  if (entries.length > 0) node.set('ranges', Buffer.concat(entries));
}

/** What the profile knows of a device whose node the host's tree has not, or has for a dummy driver with less in it. */
function addKnown({ host, profile }: GuestDevice, node: TreeNode, copying: Copying): void {
  const { known, guest } = profile;
  const kinds = [
    ['clocks', 'clock-names', known?.clocks, tegra234.clocks],
    ['resets', 'reset-names', known?.resets, tegra234.resets],
    ['power-domains', 'power-domain-names', known?.powerDomains, tegra234.powerDomains],
  ] as const;
  for (const [property, names, list = [], table] of kinds) {
    if (list.length === 0 || node.get(property) !== undefined) continue;
    const idOf = ({ name }: KnownResource) => {
      const id = table.idOf(name);
      if (id !== undefined) return id;
      throw new GpuvmError(
        'GPUVM_CONFIG',
        `${host}: the profile ${profile.name} names a ${table.kind} ${name} that Tegra234 has not`,
      );
    };
    node.set(
      property,
      cells(...list.flatMap((each) => [ensurePhandle(copying.guest, copying.bpmp), idOf(each)])),
    );
    const said = list.flatMap(({ as }) => as ?? []);
    if (said.length === list.length) node.set(names, strings(...said));
    copying.changes.push({
      path: node.path,
      property,
      what: 'set',
      reason: `${profile.name}: ${known!.source}`,
    });
  }
  for (const { property, value, reason } of guest.add) {
    if (node.get(property) !== undefined) continue;
    node.set(property, bytesOf(value, copying));
    copying.changes.push({ path: node.path, property, what: 'set', reason });
  }
}
