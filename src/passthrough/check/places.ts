import { readStrings, regOf, type Tree, type TreeNode, toCpuAddress, walk } from '../../devicetree/index.js';
import { findPlatformBus, type GuestDevice, nodeNameOf } from '../guest-tree/index.js';

/** A device of the VM, with its node in the tree that is checked. */
export interface FoundDevice {
  readonly device: GuestDevice;
  readonly node: TreeNode | undefined;
}

/** Finds each device's node: by its name, else by its address and kind, else by where QEMU has it. */
export function findDevices(tree: Tree, devices: readonly GuestDevice[]): FoundDevice[] {
  const nodes = [...walk(tree.root)].filter((node) => node.get('reg') !== undefined);
  const taken = new Set<TreeNode>();
  return devices
    .filter(({ isCarveOut }) => !isCarveOut)
    .map((device) => {
      const left = nodes.filter((node) => !taken.has(node));
      const node = tests.map((test) => left.find((each) => test(each, device))).find((each) => each);
      if (node) taken.add(node);
      return { device, node };
    });
}

const tests: readonly ((node: TreeNode, device: GuestDevice) => boolean)[] = [
  (node, device) => node.name === nodeNameOf(device),
  (node, device) => addressIn(node) === device.regions[0]?.address && isOfKind(node, device),
  (node, { regions }) => regions[0] !== undefined && addressIn(node) === regions[0].address,
  (node, { placed }) => placed.regions[0] !== undefined && cpuAddressOf(node) === placed.regions[0].address,
  (node, device) => isOfKind(node, device),
];

function addressIn(node: TreeNode): bigint | undefined {
  return regOf(node)[0]?.address;
}

function cpuAddressOf(node: TreeNode): bigint | undefined {
  const [entry] = regOf(node);
  return entry && toCpuAddress(node.parent!, entry);
}

function isOfKind(node: TreeNode, { described, isDescribed, profile }: GuestDevice): boolean {
  const own = isDescribed ? (readStrings(described!.get('compatible')) ?? []) : [];
  const kinds = [...own, ...profile.match.compatible, ...profile.guest.compatible];
  const isNamed = profile.match.nodes.includes(node.name.replace(/@.*$/, ''));
  return isNamed || (readStrings(node.get('compatible'))?.some((each) => kinds.includes(each)) ?? false);
}

/** The bus that the devices are on: QEMU's by what it is compatible with, else the one above the devices' nodes. */
export function findBus(tree: Tree, found: readonly FoundDevice[]): TreeNode | undefined {
  const own = findPlatformBus(tree);
  if (own) return own;
  for (const { node } of found) {
    for (let at = node?.parent; at?.parent !== undefined; at = at.parent)
      if (at.parent.parent === undefined) return at;
  }
  return undefined;
}
