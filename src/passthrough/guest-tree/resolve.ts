import type { PlatformDevice } from '../../config/index.js';
import {
  type AddressRange,
  interruptsOf,
  isEnabled,
  type Phandles,
  phandlesOf,
  regionsOf,
  type Tree,
  type TreeNode,
} from '../../devicetree/index.js';
import { GpuvmError } from '../../errors.js';
import type { Finding } from '../../finding.js';
import {
  baseNameOf,
  type DeviceProfile,
  profileOf,
  unknownProfile,
  untoldCarveOuts,
} from '../profiles/index.js';
import { addressIn, HostNodeIndex, isStandIn } from './host-nodes.js';

/** The host's tree, and what to call it. */
export interface HostSource {
  readonly tree: Tree;
  readonly from: string;
}

/** One line of a device. */
export interface ResolvedLine {
  /** The trigger as the third cell of a GIC's interrupt has it: 4 is a high level. */
  readonly trigger: number;
}

/** A device of the VM file, with all that is known of it before QEMU has a place for it. */
export interface ResolvedDevice {
  readonly host: string;
  readonly mmioBase: bigint | undefined;
  /** Memory that is set aside, not a device. */
  readonly isCarveOut: boolean;
  readonly profile: DeviceProfile;
  /** The node that its registers and interrupts come from. */
  readonly shape: TreeNode | undefined;
  /** The node that its other properties come from; a stand-in's own where there is no other. */
  readonly described: TreeNode | undefined;
  /** Whether `described` says what the device is. */
  readonly isDescribed: boolean;
  /** Where the host has its regions, in the order of its `reg`. */
  readonly regions: readonly AddressRange[];
  readonly lines: readonly ResolvedLine[];
}

export interface Resolved {
  readonly devices: readonly ResolvedDevice[];
  readonly findings: readonly Finding[];
}

const LEVEL_HIGH = 4;

/**
 * Finds out what each platform device of a VM file is made of: by the file's own `regions` and `interrupts`, the host's
 * tree, and its profile, in this order. Throws GPUVM_CONFIG where that is not enough; `details.mistakes` has a line for
 * each device.
 */
export function resolveDevices(
  wanted: readonly PlatformDevice[],
  host: HostSource | undefined,
  profiles: readonly DeviceProfile[],
): Resolved {
  const index = host && new HostNodeIndex(host.tree);
  const phandles = host ? phandlesOf(host.tree) : new Map<number, TreeNode>();
  const mistakes: string[] = [];
  const findings: Finding[] = [];
  const devices = wanted.flatMap((device): ResolvedDevice[] => {
    const nodes = index?.find(device.host, profiles) ?? { own: undefined, described: undefined };
    const profile = profileOf(profiles, device.host, nodes.described);
    const resolved = resolve(device, { ...nodes, phandles, profile });
    if (typeof resolved === 'string') {
      mistakes.push(`${device.host}: ${resolved}: ${remedy(device.host, host, index)}`);
      return [];
    }
    findings.push(...findingsOn(resolved, host));
    return [resolved];
  });
  if (mistakes.length > 0) {
    const more = mistakes.length > 1 ? ` (and ${mistakes.length - 1} more)` : '';
    throw new GpuvmError('GPUVM_CONFIG', `${mistakes[0]}${more}`, { details: { mistakes } });
  }
  return { devices, findings };
}

interface Known {
  readonly own: TreeNode | undefined;
  readonly described: TreeNode | undefined;
  readonly phandles: Phandles;
  readonly profile: DeviceProfile | undefined;
}

/** The device, or what keeps it from being described. */
function resolve(
  device: PlatformDevice,
  { own, described, phandles, profile }: Known,
): ResolvedDevice | string {
  const { host, mmioBase } = device;
  const shape = own ?? described;
  const lines = linesOf(device, shape, phandles, profile);
  // Its node is a stand-in too, and has no profile.
  const isCarveOut = mmioBase !== undefined && profile === undefined && (lines ?? []).length === 0;
  const isDescribed = described !== undefined && !isStandIn(described);
  const regions = hostRegions(device, shape, profile);
  if (regions === undefined) return 'what regions it has is not known';
  const unplaced = regions.findIndex(({ address }) => address === undefined);
  if (unplaced >= 0) return `where the host has region ${unplaced + 1} is not known`;
  if (lines === undefined) return 'how many interrupts it has is not known';
  const compatible = profile?.guest.compatible ?? [];
  if (!isCarveOut && !isDescribed && compatible.length === 0)
    return described === undefined
      ? 'what it is nobody says'
      : `what it is nobody says: the host's tree has it for a dummy driver (${described.path}), and it has no profile`;
  return {
    host,
    mmioBase,
    isCarveOut,
    profile: profile ?? unknownProfile(host),
    shape,
    described,
    isDescribed,
    regions: regions as AddressRange[],
    lines,
  };
}

/** Undefined where nobody knows them; an address is undefined where only the size is known. */
function hostRegions(
  { host, regions: sizes }: PlatformDevice,
  shape: TreeNode | undefined,
  profile: DeviceProfile | undefined,
): { address: bigint | undefined; size: bigint }[] | undefined {
  const ofTree = shape ? regionsOf(shape) : [];
  const known = ofTree.length > 0 ? ofTree : (profile?.known?.regions ?? []);
  const first = addressIn(host);
  // A profile may be meant for another of the same kind.
  const isMeant = known.length > 0 && (ofTree.length > 0 || known[0]!.address === first);
  const addresses = isMeant ? known.map(({ address }) => address) : first === undefined ? [] : [first];
  if (sizes) return sizes.map((size, index) => ({ address: addresses[index], size }));
  return isMeant ? known.map(({ address, size }) => ({ address, size })) : undefined;
}

function linesOf(
  { interrupts: count, host }: PlatformDevice,
  shape: TreeNode | undefined,
  phandles: Phandles,
  profile: DeviceProfile | undefined,
): ResolvedLine[] | undefined {
  const found = shape && interruptsOf(shape, phandles);
  const isMeant = profile?.known?.regions[0]?.address === addressIn(host);
  const known =
    found?.map((each) => ({ trigger: (each?.cells[2] ?? LEVEL_HIGH) & 0xf })) ??
    (shape === undefined && isMeant
      ? profile?.known?.interrupts.map(() => ({ trigger: LEVEL_HIGH }))
      : undefined);
  if (count === undefined) return known;
  return Array.from({ length: count }, (_, index) => known?.[index] ?? { trigger: LEVEL_HIGH });
}

function remedy(host: string, source: HostSource | undefined, index: HostNodeIndex | undefined): string {
  const give =
    'give regions and interrupts with the device in the VM file, as `gpuvm devices regions` shows them on the host';
  if (source === undefined) return `give the host's tree (--host-tree, or deviceTree.hostTree), or ${give}`;
  const near = index?.neighbour(host);
  const there =
    near === undefined || near === host
      ? `${source.from} has no such node`
      : `${source.from} has ${near} there`;
  return `${there}; give a host's tree that has it (--host-tree), a profile (deviceTree.profiles), or ${give}`;
}

function* findingsOn(device: ResolvedDevice, source: HostSource | undefined): Generator<Finding> {
  const { host, profile, shape, isDescribed, isCarveOut, described } = device;
  if (isCarveOut) return;
  const id = `guest-tree.device/${host}`;
  if (shape === undefined && profile.known)
    yield {
      id,
      status: 'warn',
      what: `${host}: its registers and interrupts are those of the profile ${profile.name}`,
      evidence: `${source ? `${source.from} has no node for it` : 'there is no device tree of the host'}; ${profile.known.source}`,
      fix: 'give the tree of the host that the VM runs on (--host-tree)',
      device: host,
    };
  const unknown = profile.known?.unknown ?? [];
  if (!isDescribed && unknown.length > 0)
    yield {
      id,
      status: 'warn',
      what: `${host}: the guest's node lacks what only the host's own tree says: ${unknown.join('; ')}`,
      evidence: described ? `${described.path} is for a dummy driver` : "the host's tree has no node for it",
      fix: "give the host's tree without the overlay (--host-tree, or deviceTree.hostTree)",
      device: host,
    };
  if (isDescribed && described && !isEnabled(described) && profile.guest.status === 'as-host')
    yield {
      id,
      status: 'warn',
      what: `${host}: it is switched off in the guest's tree, as it is in the host's`,
      evidence: `${described.path}: status`,
      device: host,
    };
}

/** Whether the guest's kernel is told nothing of a carve-out, and why. */
export function untold({ host }: ResolvedDevice): string | undefined {
  return untoldCarveOuts.find(({ node }) => node === baseNameOf(host))?.reason;
}
