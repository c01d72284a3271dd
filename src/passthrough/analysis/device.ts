import {
  type AddressRange,
  findLabel,
  findNode,
  platformNameOf,
  regionsOf,
  resolvePath,
  type Tree,
  type TreeNode,
  walk,
} from '../../devicetree/index.js';
import { GpuvmError } from '../../errors.js';
import { nearest } from '../../nearest.js';
import { addressIn, HostNodeIndex, isStandIn } from '../guest-tree/index.js';
import { type DeviceProfile, type KnownDevice, profileOf } from '../profiles/index.js';

/** A device of the host that a VM is to have. */
export interface SelectedDevice {
  /** As a tree has it: `gpu@17000000`. */
  readonly name: string;
  /** As sysfs has it: `17000000.gpu`. */
  readonly host: string;
  /** Undefined where the host's tree has none: then the profile alone says what it is. */
  readonly node: TreeNode | undefined;
  readonly profile: DeviceProfile | undefined;
  /** What the profile knows of this very device, not of another of its kind. */
  readonly known: KnownDevice | undefined;
  readonly regions: readonly AddressRange[];
}

/** A device as it is asked for, and whether one that nobody knows may be passed over: a carve-out has nothing to ask for. */
export interface WantedDevice {
  readonly name: string;
  readonly isCarveOut?: boolean;
}

/**
 * Finds devices by path, label, alias, unit name (`gpu@17000000`), plain name where one node alone has it, or the name
 * in sysfs (`17000000.gpu`). One that the tree lacks is taken from its profile. Throws GPUVM_USAGE where that is nothing.
 */
export function selectDevices(
  tree: Tree,
  wanted: readonly WantedDevice[],
  profiles: readonly DeviceProfile[],
): SelectedDevice[] {
  let made: HostNodeIndex | undefined;
  // Most names need none, and it looks at every node.
  const index = () => {
    made ??= new HostNodeIndex(tree);
    return made;
  };
  const found = wanted.flatMap(({ name, isCarveOut }): SelectedDevice[] => {
    const device = byNode(tree, name, index, profiles) ?? byProfile(name, profiles);
    if (device === undefined) {
      if (isCarveOut) return [];
      throw unknownDevice(tree, name, profiles);
    }
    return [device];
  });
  return found.filter(
    ({ node, host }, at) =>
      at === found.findIndex((other) => (node ? other.node === node : other.host === host)),
  );
}

function byNode(
  tree: Tree,
  name: string,
  index: () => HostNodeIndex,
  profiles: readonly DeviceProfile[],
): SelectedDevice | undefined {
  const named =
    findNode(tree, name) ?? findLabel(tree, name) ?? resolvePath(tree, name) ?? onlyNamed(tree, name);
  const host =
    named === undefined ? (hostNameIn(name) ?? name) : isStandIn(named) ? platformNameOf(named) : undefined;
  // What only holds the device for VFIO does not say what it is; the node that it was put beside does.
  const node = host === undefined ? named : index().find(host, profiles).described;
  if (node === undefined || node.parent === undefined) return undefined;
  const own = platformNameOf(node);
  const profile = profileOf(profiles, own, node);
  const regions = node.get('reg') === undefined ? [] : regionsOf(node);
  const isMeant = profile?.known !== undefined && profile.known.regions[0]?.address === regions[0]?.address;
  return { name: node.name, host: own, node, profile, known: isMeant ? profile.known : undefined, regions };
}

/** `17000000.gpu` for itself and for `gpu@17000000`. */
function hostNameIn(name: string): string | undefined {
  if (addressIn(name) !== undefined) return name;
  const [, base, address] = /^(?:.*\/)?([^/@:]+)@([0-9a-f]{1,16})$/.exec(name) ?? [];
  return base === undefined ? undefined : `${address}.${base}`;
}

function onlyNamed({ root }: Tree, name: string): TreeNode | undefined {
  const isMeant = name.includes('@')
    ? (node: TreeNode) => node.name === name
    : (node: TreeNode) => node.name.replace(/@.*$/, '') === name && node.get('compatible') !== undefined;
  const nodes = [...walk(root)].filter(isMeant);
  if (nodes.length > 1)
    throw new GpuvmError(
      'GPUVM_USAGE',
      `${name} may be ${nodes.map(({ path }) => path).join(', ')}: give one of these paths`,
    );
  return nodes[0];
}

/** What published documents say of a device that the host's tree has no node for. */
function byProfile(name: string, profiles: readonly DeviceProfile[]): SelectedDevice | undefined {
  const host = hostNameIn(name);
  const address = host === undefined ? undefined : addressIn(host);
  const profile =
    host === undefined ? profiles.find((each) => each.name === name) : profileOf(profiles, host, undefined);
  const { known } = profile ?? {};
  const first = known?.regions[0]?.address;
  if (!profile || !known || first === undefined || (address !== undefined && address !== first))
    return undefined;
  const base = profile.match.nodes[0]!;
  const digits = first.toString(16);
  return {
    name: `${base}@${digits}`,
    host: `${digits}.${base}`,
    node: undefined,
    profile,
    known,
    regions: known.regions.map(({ address, size }) => ({ address, size })),
  };
}

function unknownDevice(tree: Tree, name: string, profiles: readonly DeviceProfile[]): GpuvmError {
  const names = [...walk(tree.root)].flatMap(({ name }) => (name.includes('@') ? [name] : []));
  const near = nearest(name, [...names, ...profiles.map((profile) => profile.name)]);
  return new GpuvmError(
    'GPUVM_USAGE',
    `the host's tree has no device ${JSON.stringify(name)}, and no profile knows it: ` +
      (near === undefined
        ? 'give its path, label or unit name, such as gpu@17000000'
        : `did you mean ${near}?`),
  );
}
