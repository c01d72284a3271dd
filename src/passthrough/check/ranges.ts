import {
  type BusRange,
  isEnabled,
  rangesOf,
  regOf,
  type TreeNode,
  toCpuAddress,
  walk,
} from '../../devicetree/index.js';
import { addressOn, changeRanges, isPlain } from './entries.js';
import type { Expectations } from './expectations.js';
import { hex, type TreeFinding } from './finding.js';
import type { FoundDevice } from './places.js';

/** A region that the bus must lead to: what its device calls it, and what it is to a CPU. */
export interface Needed {
  readonly host: string;
  /** Counted from 0, in the order of the host's `reg`. */
  readonly region: number;
  readonly child: bigint;
  readonly parent: bigint;
  readonly size: bigint;
}

/** Every region of the VM's, at the host's address on the bus and at QEMU's behind it. */
export function allNeeded({ devices }: Expectations): Needed[] {
  return devices.flatMap(({ host, regions, placed }) =>
    regions.map(({ address, size }, region) => ({
      ...{ host, region, size },
      child: address,
      parent: placed.regions[region]!.address,
    })),
  );
}

const id = 'guest-tree.ranges';

/**
 * Holds the entries of a bus against the layout: those that some device's registers need, and each that is made for a region.
 * A finding for each entry.
 */
export function* checkRanges(
  bus: TreeNode,
  needed: readonly Needed[],
  expectations: Expectations,
  found: readonly FoundDevice[],
): Generator<TreeFinding> {
  const all = allNeeded(expectations);
  const entries = rangesOf(bus) ?? [];
  const told = new Set<BusRange>();
  const strays = new Set(entries.filter((entry) => !isUsed(bus, entry, all)));
  for (const need of [...needed, ...madeWrongly(entries, all)]) {
    const entry = entries.find((each) => isIn(need.child, each));
    if (entry && told.has(entry)) continue;
    if (entry) {
      told.add(entry);
      yield wrongEntry(bus, entry, need, all);
      continue;
    }
    // One that leads to the right place from another address is the one that was meant.
    const meant = [...strays].find(
      ({ parent, size }) => parent.address === need.parent && size === need.size,
    );
    if (meant) strays.delete(meant);
    yield meant ? otherAddress(bus, meant, need) : noEntry(bus, need);
  }
  yield* checkUnused(bus, strays, expectations, found);
}

/** Regions with an entry of their own that leads elsewhere, or not to all of them. */
function madeWrongly(entries: readonly BusRange[], all: readonly Needed[]): Needed[] {
  return all.filter(({ child, parent, size }) => {
    const entry = entries.find((each) => isIn(child, each));
    return entry?.child.address === child && (entry.parent.address !== parent || entry.size < size);
  });
}

function wrongEntry(bus: TreeNode, entry: BusRange, need: Needed, all: readonly Needed[]): TreeFinding {
  const inside = all.filter(({ child }) => isIn(child, entry));
  const parents = new Set(inside.map(({ child, parent }) => parent - (child - entry.child.address)));
  const [only] = parents;
  const isOne = parents.size === 1 && only! >= 0n;
  const ends = inside.map(({ child, size }) => child + size - entry.child.address);
  const size = largest([entry.size, ...ends]);
  const right = isOne
    ? { ...entry, parent: { address: only! }, size }
    : { child: { address: need.child }, parent: { address: need.parent }, size: need.size };
  const isShort = isOne && only === entry.parent.address;
  return {
    id,
    status: 'fail',
    path: bus.path,
    property: 'ranges',
    what: isShort
      ? `the entry ${text(entry)} ends before ${nameOf(need)} does`
      : `the entry ${text(entry)} has ${nameOf(need)} at ${hex(entry.parent.address + need.child - entry.child.address)}, and QEMU has it at ${hex(need.parent)}`,
    right: isOne ? text(right) : `${text(right)} before it, as QEMU does not have its devices together`,
    mend: isPlain(bus)
      ? () =>
          changeRanges(bus, (entries) =>
            isOne ? entries.map((each) => (isSame(each, entry) ? right : each)) : [right, ...entries],
          )
      : undefined,
  };
}

function otherAddress(bus: TreeNode, entry: BusRange, need: Needed): TreeFinding {
  const right = { ...entry, child: { address: need.child } };
  return {
    id,
    status: 'fail',
    path: bus.path,
    property: 'ranges',
    what: `the entry ${text(entry)} leads to ${nameOf(need)} from another address than the device's`,
    right: text(right),
    mend: isPlain(bus)
      ? () => changeRanges(bus, (entries) => entries.map((each) => (isSame(each, entry) ? right : each)))
      : undefined,
  };
}

function noEntry(bus: TreeNode, need: Needed): TreeFinding {
  const right = { child: { address: need.child }, parent: { address: need.parent }, size: need.size };
  return {
    id,
    status: 'fail',
    path: bus.path,
    property: 'ranges',
    what: `no entry leads to ${nameOf(need)} (${hex(need.child)})`,
    right: `${text(right)} among them`,
    mend: isPlain(bus) ? () => changeRanges(bus, (entries) => [...entries, right]) : undefined,
  };
}

/** Entries and nodes of what the VM has not: a guest that touches it gets an abort. */
function* checkUnused(
  bus: TreeNode,
  strays: ReadonlySet<BusRange>,
  { bus: layout, devices }: Expectations,
  found: readonly FoundDevice[],
): Generator<TreeFinding> {
  const known = new Set(found.map(({ node }) => node));
  const placed = devices.flatMap((device) => device.placed.regions);
  const isStray = (address: bigint) =>
    address >= layout.base &&
    address < layout.base + layout.size &&
    !placed.some((region) => address >= region.address && address < region.address + region.size);
  const others = [...walk(bus)].filter((node) => node !== bus && !known.has(node) && isEnabled(node));
  for (const node of others) {
    const [entry] = regOf(node);
    const address = entry && toCpuAddress(node.parent!, entry);
    if (address === undefined || !isStray(address)) continue;
    yield {
      id: 'guest-tree.no-device',
      status: 'warn',
      path: node.path,
      property: 'reg',
      what: `nothing of this VM is at ${hex(address)}`,
      right: 'the device in the VM file (platformDevices), or no such node',
      mend: undefined,
    };
  }
  for (const entry of strays) {
    const isOwned = others.some((node) =>
      regOf(node).some(({ address }) => {
        const there = addressOn(bus, node, address);
        return there !== undefined && isIn(there, entry);
      }),
    );
    if (isOwned || !isStray(entry.parent.address)) continue;
    yield {
      id,
      status: 'warn',
      path: bus.path,
      property: 'ranges',
      what: `the entry ${text(entry)} leads to where nothing of this VM is`,
      right: 'no such entry',
      mend: isPlain(bus)
        ? () => changeRanges(bus, (entries) => entries.filter((each) => !isSame(each, entry)))
        : undefined,
    };
  }
}

/** Whether a device of the VM lies in what it covers, by either side's address: QEMU's own has one entry for all. */
function isUsed(bus: TreeNode, entry: BusRange, all: readonly Needed[]): boolean {
  if (all.some(({ child }) => isIn(child, entry))) return true;
  const ends = { address: entry.parent.address, end: entry.parent.address + entry.size };
  const below = [...walk(bus)].filter((node) => node !== bus);
  return all.some(
    ({ parent }) =>
      parent >= ends.address &&
      parent < ends.end &&
      below.some((node) => {
        const [reg] = regOf(node);
        return reg !== undefined && toCpuAddress(node.parent!, reg) === parent;
      }),
  );
}

function isIn(address: bigint, { child, size }: BusRange): boolean {
  return address >= child.address && address < child.address + size;
}

function isSame(a: BusRange, b: BusRange): boolean {
  return a.child.address === b.child.address && a.parent.address === b.parent.address && a.size === b.size;
}

const nameOf = ({ host, region }: Needed) => (region === 0 ? host : `region ${region + 1} of ${host}`);
const text = ({ child, parent, size }: BusRange) =>
  `<${hex(child.address)} ${hex(parent.address)} ${hex(size)}>`;

function largest(values: readonly bigint[]): bigint {
  return values.toSorted((a, b) => (a < b ? 1 : -1))[0]!;
}
