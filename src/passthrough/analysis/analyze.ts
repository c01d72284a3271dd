import {
  type AddressRange,
  memoryRegionsOf,
  type Phandles,
  phandlesOf,
  platformNameOf,
  referencesOf,
  referrersOf,
  regionsOf,
  type Tree,
  type TreeNode,
} from '../../devicetree/index.js';
import { isBpmp, shortNameOf } from '../names.js';
import { type DeviceProfile, droppedFromAll, profileOf, ruleFor } from '../profiles/index.js';
import type { SelectedDevice } from './device.js';
import { type Line, linesOfDevice } from './lines.js';
import { type Host, othersOf, type Related, relatedTo } from './related.js';
import {
  childrenAlong,
  type HostUser,
  HostUsers,
  isSharedRoot,
  isWithin,
  type ResourceKind,
  resourceKinds,
  tableOf,
  usesOfDevice,
} from './resources.js';
import { type Stream, streamsOf, streamsOfDevice } from './streams.js';

/** A node that a device refers to and that stays with the host, and what becomes of the reference in the guest. */
export interface Needed {
  readonly property: string;
  readonly node: TreeNode;
  readonly args: readonly number[];
  /** Why the guest does without; undefined where its node keeps the reference. */
  readonly dropped: string | undefined;
}

export interface MemoryRegion {
  readonly node: TreeNode;
  readonly regions: readonly AddressRange[];
  /** Other nodes that use it. */
  readonly usedBy: readonly string[];
}

/** One device with all that it has. */
export interface AnalyzedDevice {
  readonly device: SelectedDevice;
  /** Asked for, or found to have to go along. */
  readonly isAsked: boolean;
  readonly streams: readonly Stream[];
  readonly lines: readonly Line[];
  readonly memory: readonly MemoryRegion[];
  /** The memory controller's clients that it is. */
  readonly interconnects: readonly Needed[];
  readonly needs: readonly Needed[];
}

/** A clock, reset or power domain of the devices, and who else uses it. */
export interface AnalyzedResource {
  readonly kind: ResourceKind;
  readonly id: number;
  readonly name: string;
  readonly uses: readonly {
    readonly device: string;
    readonly property: string;
    readonly as: string | undefined;
  }[];
  readonly users: readonly HostUser[];
  readonly isShared: boolean;
}

export interface Analysis {
  readonly devices: readonly AnalyzedDevice[];
  readonly related: readonly Related[];
  readonly resources: readonly AnalyzedResource[];
}

/** What must move together with these devices and why, what they share with the rest, and what the host would miss. */
export function analyze(
  tree: Tree,
  asked: readonly SelectedDevice[],
  profiles: readonly DeviceProfile[],
): Analysis {
  const phandles = phandlesOf(tree);
  const host: Host = { tree, phandles, referrers: referrersOf(tree), others: othersOf(tree, phandles) };
  const { devices, related } = gather(asked, profiles, host);
  return {
    devices: devices.map((device) => analyzedDevice(device, asked.includes(device), host)),
    related,
    resources: resourcesOf(tree, devices, phandles),
  };
}

/** The devices, those that must go along with them, and with those in turn. */
function gather(
  asked: readonly SelectedDevice[],
  profiles: readonly DeviceProfile[],
  host: Host,
): { devices: SelectedDevice[]; related: Related[] } {
  const devices = [...asked];
  const related: Related[] = [];
  // The list grows while it is gone through.
  for (const device of devices) {
    for (const each of relatedTo(device, host)) {
      related.push(each);
      if (each.consequence === 'move' && !devices.some(({ node }) => node === each.node))
        devices.push(deviceOf(each.node, profiles));
    }
  }
  const moved = new Set(devices.flatMap(({ node }) => node ?? []));
  const isMoved = ({ node }: Related) => moved.has(node);
  return {
    devices,
    // Among the devices themselves nothing breaks; one that is found is told of by what it was found by.
    related: related.filter(
      (each) =>
        !(isWithin(each.node, moved) && each.consequence === 'breaks') &&
        !(isMoved(each) && asked.some(({ node }) => node === each.node)),
    ),
  };
}

function deviceOf(node: TreeNode, profiles: readonly DeviceProfile[]): SelectedDevice {
  const host = platformNameOf(node);
  return {
    name: node.name,
    host,
    node,
    profile: profileOf(profiles, host, node),
    known: undefined,
    regions: node.get('reg') === undefined ? [] : regionsOf(node),
  };
}

/** Told of elsewhere, or of no consequence. */
const TOLD =
  /^(clocks|resets|power-domains|assigned-clocks|assigned-clock-parents|iommus|iommu-map|interrupt.*|memory-region)$/;

function analyzedDevice(device: SelectedDevice, isAsked: boolean, host: Host): AnalyzedDevice {
  const { node } = device;
  const { tree, phandles, referrers } = host;
  const needed = node ? neededBy(device, phandles) : [];
  return {
    device,
    isAsked,
    streams: [
      ...streamsOfDevice(device, tree, phandles),
      ...childrenAlong(device).flatMap((child) => streamsOf(child, phandles)),
    ],
    lines: linesOfDevice(device, phandles),
    memory: (node ? memoryRegionsOf(node, phandles) : []).map((region) => ({
      node: region,
      regions: regionsOf(region),
      usedBy: (referrers.get(region) ?? [])
        .filter(({ from, property }) => from !== node && property === 'memory-region')
        .map(({ from }) => shortNameOf(from)),
    })),
    // The other end, the memory, has no number.
    interconnects: needed.filter(({ property, args }) => property === 'interconnects' && args.length > 0),
    needs: needed.filter(({ property, node: to }) => property !== 'interconnects' && !isBpmp(to)),
  };
}

function neededBy({ node, profile }: SelectedDevice, phandles: Phandles): Needed[] {
  const own = new Set([node!]);
  return [...referencesOf(node!, phandles)].flatMap(({ property, to, args }): Needed[] => {
    if (to === undefined || TOLD.test(property) || isWithin(to, own)) return [];
    const isKept = ruleFor(profile?.guest.keep ?? [], property) !== undefined;
    const rule = isKept
      ? undefined
      : (ruleFor(profile?.guest.drop ?? [], property) ?? ruleFor(droppedFromAll, property));
    return [{ property, node: to, args, dropped: rule?.reason }];
  });
}

function resourcesOf(tree: Tree, devices: readonly SelectedDevice[], phandles: Phandles): AnalyzedResource[] {
  const users = new HostUsers(tree, devices, phandles);
  const uses = devices.flatMap((device) => usesOfDevice(device, phandles));
  return resourceKinds.flatMap((kind) => {
    const ids = [...new Set(uses.filter((use) => use.kind === kind).map(({ id }) => id))];
    return ids.map((id) => {
      const others = users.of(kind, id);
      return {
        kind,
        id,
        name: tableOf[kind].nameOf(id) ?? String(id),
        uses: uses
          .filter((use) => use.kind === kind && use.id === id)
          .map(({ from, property, as }) => ({ device: from, property, as })),
        users: others,
        isShared: isSharedRoot(kind, id) || others.some(({ isEnabled }) => isEnabled),
      };
    });
  });
}
