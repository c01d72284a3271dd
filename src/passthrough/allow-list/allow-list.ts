import { phandlesOf, type Tree } from '../../devicetree/index.js';
import {
  type HostUser,
  HostUsers,
  isSharedRoot,
  type ResourceKind,
  type ResourceUse,
  resourceKinds,
  type SelectedDevice,
  tableOf,
  usesOfDevice,
} from '../analysis/index.js';
import { tunedClocks } from './tuned.js';

/** One resource that a VM is to be let use, and why. */
export interface AllowEntry {
  readonly id: number;
  readonly name: string;
  /** The devices and properties that it follows from, for people. */
  readonly reason: string;
  /** `tune`: rate and parent too. */
  readonly right: 'use' | 'tune';
  /** Whether somebody else needs it too, so that the VM may switch it on and read it and nothing else. */
  readonly shared: boolean;
  /** The host's nodes that use it and stay. */
  readonly usedBy: readonly string[];
  /** Those that would, were they switched on. */
  readonly wouldUse: readonly string[];
  /** The VM's devices that use it; empty for what hangs above. */
  readonly devices: readonly string[];
}

export type AllowList = Readonly<Record<ResourceKind, readonly AllowEntry[]>> & {
  /** The host's, and those of its devices that the VM has. */
  readonly tree: Tree;
  readonly devices: readonly SelectedDevice[];
  /** Whether a BPMP was asked for the parents of the clocks. */
  readonly isClosed: boolean;
};

/** What a VM with these devices must be let ask of the BPMP, by the host's tree and the devices' profiles. */
export function allowListOf(tree: Tree, devices: readonly SelectedDevice[]): AllowList {
  const phandles = phandlesOf(tree);
  const users = hostUsersOf(tree, devices);
  const uses = devices.flatMap((device) =>
    usesOfDevice(device, phandles).map((use): DeviceUse => ({ ...use, device })),
  );
  const entriesOf = (kind: ResourceKind) => {
    const ids = [...new Set(uses.filter((use) => use.kind === kind).map(({ id }) => id))];
    return ids.map((id) =>
      entryOf(
        uses.filter((use) => use.kind === kind && use.id === id),
        users.of(kind, id),
      ),
    );
  };
  const [clocks, resets, powerDomains] = resourceKinds.map(entriesOf);
  return { tree, devices, isClosed: false, clocks: clocks!, resets: resets!, powerDomains: powerDomains! };
}

export function hostUsersOf(tree: Tree, devices: readonly SelectedDevice[]): HostUsers {
  return new HostUsers(tree, devices, phandlesOf(tree));
}

interface DeviceUse extends ResourceUse {
  readonly device: SelectedDevice;
}

function entryOf(uses: readonly DeviceUse[], users: readonly HostUser[]): AllowEntry {
  const { kind, id } = uses[0]!;
  const name = tableOf[kind].nameOf(id) ?? String(id);
  const now = users.filter(({ isEnabled }) => isEnabled);
  const tuned = uses.map((use) => tuningOf(use, name)).find((each) => each !== undefined);
  // A guest that makes it another clock's parent leaves it as it is.
  const isRoot = isSharedRoot(kind, id);
  const isParentOnly = uses.every(({ property }) => property === 'assigned-clock-parents');
  return {
    id,
    name,
    reason: [
      ...uses.map(reasonOf),
      ...(tuned === undefined ? [] : [tuned]),
      ...(isRoot ? ['a root that the whole chip hangs on'] : []),
    ].join('; '),
    right: tuned === undefined ? 'use' : 'tune',
    shared: now.length > 0 || isParentOnly || isRoot,
    usedBy: now.map((user) => user.name),
    wouldUse: users.filter(({ isEnabled }) => !isEnabled).map((user) => user.name),
    devices: [...new Set(uses.map(({ device }) => device.name))],
  };
}

/** `nvdec@15480000: clocks[1] "fuse"`. */
function reasonOf({ device, from, property, index, as }: DeviceUse): string {
  const called = as === undefined ? '' : ` "${as}"`;
  if (property !== 'profile') return `${from}: ${property}[${index}]${called}`;
  const lacking = device.node ? 'this tree does not say it' : 'this tree has no node of it';
  return `${device.name}: profile ${device.profile?.name}${called} (${lacking})`;
}

/** Why a clock's rate or parent is set, where it is. */
function tuningOf({ kind, property, device }: DeviceUse, name: string): string | undefined {
  if (kind !== 'clocks') return undefined;
  if (property === 'assigned-clocks') return 'set by the kernel (assigned-clocks)';
  return tunedClocks.find(({ profile, clocks }) => profile === device.profile?.name && clocks.includes(name))
    ?.reason;
}
