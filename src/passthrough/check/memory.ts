import {
  type AddressRange,
  covers,
  isEnabled,
  overlaps,
  readString,
  regionsOf,
  regOf,
  reservedMemory,
  reservedRanges,
  type Tree,
  type TreeNode,
} from '../../devicetree/index.js';
import { type GuestDevice, HostNodeIndex } from '../guest-tree/index.js';
import { changeReg } from './entries.js';
import type { Expectations } from './expectations.js';
import { hex, type TreeFinding } from './finding.js';
import { renameNode } from './rename.js';

/** RAM is QEMU's to say, the carve-outs are the host's memory. */
export function* checkMemory(tree: Tree, expectations: Expectations): Generator<TreeFinding> {
  const { devices, bus } = expectations;
  const ram = { address: bus.ramBase, size: bus.ramSize };
  const carveOuts = devices.filter(({ isCarveOut }) => isCarveOut);
  const mapped = carveOuts.flatMap(({ placed }) => placed.regions);
  const memory = [...tree.root.children].filter(
    (node) => readString(node.get('device_type')) === 'memory' && isEnabled(node),
  );
  // QEMU takes these out and puts its RAM's node in.
  const ofQemu = memory.filter(({ name }) => /^memory(@|$)/.test(name));
  const inside = ofQemu.filter((node) => regionsOf(node).some((each) => covers(mapped, each)));
  for (const node of inside) yield takenOut(tree, node);
  yield* checkRam(
    ofQemu.filter((node) => !inside.includes(node)),
    ram,
  );
  for (const node of memory.filter((each) => !ofQemu.includes(each)))
    for (const range of regionsOf(node))
      if (!covers(mapped, range)) yield outside(node, range, mapped, 'no carve-out of the VM has');
  for (const { node, regions } of reservedMemory(tree))
    for (const range of regions)
      if (!covers([...mapped, ram], range))
        yield outside(node, range, [...mapped, ram], 'neither RAM nor a carve-out of the VM has');
  yield* checkHost(tree, carveOuts, expectations);
}

/** The carve-outs of which the host's tree, being without the overlay, says nothing. */
export function unjudgedCarveOuts({ devices, host }: Expectations): string[] {
  const names = devices.filter(({ isCarveOut }) => isCarveOut).map((device) => device.host);
  if (host === undefined) return names;
  const index = new HostNodeIndex(host.tree);
  return names.filter((name) => index.find(name, []).own === undefined);
}

function* checkRam(nodes: readonly TreeNode[], ram: AddressRange): Generator<TreeFinding> {
  const ranges = nodes.flatMap(regionsOf).filter(({ size }) => size > 0n);
  if (nodes.length === 0 || (covers(ranges, ram) && ranges.every((range) => covers([ram], range)))) return;
  const node = nodes.find((each) => regionsOf(each)[0]?.address === ram.address) ?? nodes[0]!;
  const bytes = ranges.reduce((sum, { size }) => sum + size, 0n);
  const isOne = nodes.length === 1 && regOf(node).length === 1;
  yield {
    id: 'guest-tree.memory',
    status: 'warn',
    path: node.path,
    property: 'reg',
    what:
      bytes === ram.size
        ? `RAM is said to be at ${ranges.map(({ address }) => hex(address)).join(' and ')}; it is replaced by QEMU`
        : `${amount(bytes)} of RAM, and memory of the VM file is ${amount(ram.size)}; it is replaced by QEMU`,
    right: `<${hex(ram.address)} ${hex(ram.size)}>`,
    mend: isOne ? () => changeReg(node, 0, ram.address, ram.size) : undefined,
  };
}

function takenOut(tree: Tree, node: TreeNode): TreeFinding {
  const name = node.name.replace(/^memory/, 'carve-out');
  return {
    id: 'guest-tree.carve-out',
    status: 'fail',
    path: node.path,
    property: undefined,
    what: "a carve-out's memory that the guest will not see: QEMU takes each node memory@… out of a tree that it is given",
    right: `another name, such as ${name}; Linux goes by device_type`,
    mend: node.parent?.child(name) ? undefined : () => renameNode(tree, node, name),
  };
}

function outside(
  node: TreeNode,
  range: AddressRange,
  within: readonly AddressRange[],
  whose: string,
): TreeFinding {
  return {
    id: 'guest-tree.carve-out',
    status: 'fail',
    path: node.path,
    property: 'reg',
    what: `${text(range)} is memory that ${whose}`,
    right: within.length === 0 ? 'no such node' : `within ${within.map(text).join(', ')}`,
    mend: undefined,
  };
}

/** What the guest takes for its own memory the host's kernel must leave alone. */
function* checkHost(
  tree: Tree,
  carveOuts: readonly GuestDevice[],
  expectations: Expectations,
): Generator<TreeFinding> {
  const { host } = expectations;
  if (host === undefined) return;
  const unjudged = unjudgedCarveOuts(expectations);
  const kept = reservedRanges(host.tree).filter(({ isKept }) => isKept);
  const nodes = [
    ...[...tree.root.children].filter((node) => readString(node.get('device_type')) === 'memory'),
    ...reservedMemory(tree).map(({ node }) => node),
  ];
  for (const device of carveOuts) {
    if (unjudged.includes(device.host)) continue;
    for (const [index, range] of device.regions.entries()) {
      if (covers(kept, range)) continue;
      const there = device.placed.regions[index]!;
      const user = nodes.find((node) => regionsOf(node).some((each) => overlaps(each, there)));
      if (user === undefined) continue;
      yield {
        id: 'guest-tree.carve-out',
        status: 'fail',
        path: user.path,
        property: 'reg',
        what: `${text(range)} (${device.host}) is memory that the host does not reserve`,
        right: `a reservation in the host's tree (${host.from}), no-map or a removed-dma-pool`,
        mend: undefined,
      };
    }
  }
}

function text({ address, size }: AddressRange): string {
  return `${hex(address)} to ${hex(address + size - 1n)}`;
}

function amount(bytes: bigint): string {
  return bytes % (1n << 20n) === 0n ? `${bytes >> 20n} MiB` : `${bytes} bytes`;
}
