import { rangesOf, readStrings, regOf, type TreeNode, toCpuAddress } from '../../devicetree/index.js';
import type { GuestDevice } from '../guest-tree/index.js';
import { addressOn, changeReg, pairing } from './entries.js';
import { hex, type TreeFinding } from './finding.js';
import type { FoundDevice } from './places.js';
import type { Needed } from './ranges.js';

/** What is wrong with `reg` itself, and what is not right because the bus around it leads elsewhere. */
export interface RegisterCheck {
  readonly findings: readonly TreeFinding[];
  readonly needed: readonly Needed[];
}

/** Holds where each device's registers are for a CPU of the guest against where QEMU has them. */
export function checkRegisters(
  found: readonly FoundDevice[],
  bus: TreeNode | undefined,
  pageSize: bigint,
): RegisterCheck {
  const findings: TreeFinding[] = [];
  const needed: Needed[] = [];
  for (const { device, node } of found) {
    if (node === undefined) findings.push(noNode(device, bus));
    else checkDevice(device, node, { bus, pageSize, findings, needed });
  }
  return { findings, needed };
}

interface Surroundings {
  readonly bus: TreeNode | undefined;
  readonly pageSize: bigint;
  readonly findings: TreeFinding[];
  readonly needed: Needed[];
}

function checkDevice(
  device: GuestDevice,
  node: TreeNode,
  { bus, pageSize, findings, needed }: Surroundings,
): void {
  const { host, regions, placed } = device;
  const regionOf = pairing(regionNames(device), readStrings(node.get('reg-names')));
  for (const [index, entry] of regOf(node).entries()) {
    const region = regionOf(index);
    const [ours, there] = [regions[region], placed.regions[region]];
    const about = { node, index, host, region };
    if (ours === undefined || there === undefined) {
      findings.push(surplus(about, regions.length));
      continue;
    }
    const need = { host, region, child: ours.address, parent: there.address, size: ours.size };
    const isThere = toCpuAddress(node.parent!, entry) === there.address;
    // Whole pages are mapped.
    const isLong = entry.size > ((ours.size + pageSize - 1n) / pageSize) * pageSize;
    const last = entry.address + (isLong ? ours.size : entry.size) - 1n;
    const reaches =
      entry.size === 0n || toCpuAddress(node.parent!, last) === there.address + (last - entry.address);
    if (isThere && reaches && !isLong) continue;
    const said = bus && addressOn(bus, node, entry.address);
    if (bus && said === ours.address && !(isThere && reaches)) needed.push(need);
    else findings.push(wrongReg(about, entry, need, bus));
  }
}

interface About {
  readonly node: TreeNode;
  readonly index: number;
  readonly host: string;
  readonly region: number;
}

const id = 'guest-tree.reg';

function wrongReg(
  { node, index, host, region }: About,
  entry: { readonly address: bigint; readonly size: bigint },
  need: Needed,
  bus: TreeNode | undefined,
): TreeFinding {
  const address = addressFor(node, need, bus);
  const cpu = toCpuAddress(node.parent!, entry.address);
  const which = region === 0 ? host : `region ${region + 1} of ${host}`;
  const isThere = cpu === need.parent;
  return {
    id,
    status: 'fail',
    path: node.path,
    property: 'reg',
    what: isThere
      ? `${which} is said to be ${hex(entry.size)} long`
      : cpu === undefined
        ? `no CPU gets to ${hex(entry.address)}, which is to be ${which}`
        : `${which} is said to be at ${hex(entry.address)}, which is ${hex(cpu)} for a CPU, and QEMU has it at ${hex(need.parent)}`,
    right: `<${hex(address ?? need.child)} ${hex(need.size)}>${index === 0 ? '' : ` as its entry ${index + 1}`}`,
    mend: address === undefined ? undefined : () => changeReg(node, index, address, need.size),
  };
}

/** What the device's own bus calls the place where QEMU has it. */
function addressFor(node: TreeNode, need: Needed, bus: TreeNode | undefined): bigint | undefined {
  const parent = node.parent!;
  for (const address of [need.child, need.parent])
    if (toCpuAddress(parent, address) === need.parent) return address;
  for (const { child, parent: there, size } of rangesOf(parent) ?? []) {
    const address = child.address + (need.parent - there.address);
    const isInside = address >= child.address && address < child.address + size;
    if (isInside && toCpuAddress(parent, address) === need.parent) return address;
  }
  // The bus is wrong too, and then it is the host's address that it is mended for.
  return parent === bus ? need.child : undefined;
}

function surplus({ node, index, host }: About, count: number): TreeFinding {
  return {
    id,
    status: 'fail',
    path: node.path,
    property: 'reg',
    what: `${host} has ${count} ${count === 1 ? 'region' : 'regions'}, and this has an entry ${index + 1}`,
    right: count === 1 ? 'one entry' : `${count} entries`,
    mend: undefined,
  };
}

function noNode({ host, profile }: GuestDevice, bus: TreeNode | undefined): TreeFinding {
  return {
    id: 'guest-tree.node',
    status: 'warn',
    path: bus?.path ?? '/',
    property: undefined,
    what: `there is no node of ${host}, which the VM has`,
    right: `a node ${profile.match.nodes[0] ?? host}, as \`gpuvm dt guest\` makes it`,
    mend: undefined,
  };
}

function regionNames({ shape, profile }: GuestDevice): string[] | undefined {
  if (shape) return readStrings(shape.get('reg-names'));
  const names = profile.known?.regions.flatMap(({ as }) => as ?? []);
  return names?.length === profile.known?.regions.length ? names : undefined;
}
