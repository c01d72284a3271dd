import {
  findNode,
  phandlesOf,
  readString,
  readStrings,
  regionsOf,
  setLabel,
  strings,
  type Tree,
  type TreeNode,
} from '../../devicetree/index.js';
import { GpuvmError } from '../../errors.js';
import type { Finding } from '../../finding.js';
import type { PlatformBus } from '../../qemu/platform-bus/index.js';
import { type Companion, type ReservedRegion, referenceRegions } from '../profiles/index.js';
import { setBootArguments } from './boot.js';
import { findPlatformBus, platformBusIn } from './bus.js';
import type { Copying, PropertyChange } from './copying.js';
import { bytesOf, fillDevice, nodeNameOf } from './device-node.js';
import { addMemory, type FittedRegion, fitRegions, memoryOf } from './memory.js';
import type { GuestDevice } from './place.js';
import { addChildren, copyChildProperties } from './properties.js';
import type { HostSource } from './resolve.js';

export interface GuestTreeRequest {
  /** QEMU's own tree with the guest's /bpmp in it, for its CPUs and memory; it becomes the guest's. */
  readonly tree: Tree;
  readonly devices: readonly GuestDevice[];
  readonly bus: PlatformBus;
  readonly host: HostSource | undefined;
  /** How the carve-outs are divided, where that is not as in the reference VM. */
  readonly reserved?: readonly ReservedRegion[] | undefined;
  /** Whether the guest's kernel is one that is patched for the window, as it is unless told; else it is the mainline's. */
  readonly isPatched?: boolean;
  /** The kernel's parameters that QEMU is given. */
  readonly append: string | undefined;
}

/** What was made, for people. */
export interface GuestTreeReport {
  readonly devices: readonly { readonly host: string; readonly profile: string; readonly path: string }[];
  readonly memory: readonly FittedRegion[];
  readonly changes: readonly PropertyChange[];
  readonly findings: readonly Finding[];
}

/** The compatible that drivers of this chip look for at the root. */
const CHIP = 'nvidia,tegra234';

/** Puts the devices into the guest's tree, and all that belongs to them. */
export function addDevices(request: GuestTreeRequest): GuestTreeReport {
  const { tree, devices, bus, host } = request;
  const bpmp = findNode(tree, '/bpmp');
  if (bpmp === undefined)
    throw new GpuvmError(
      'GPUVM_CONFIG',
      "the guest's device tree has no /bpmp, which its devices' clocks, resets and power domains refer to: give the VM a bridge",
    );
  const findings = layoutFindings(tree, bus);
  setChip(tree.root);
  const there = platformBusIn(tree, devices, bus.base);
  const copying: Copying = {
    guest: tree,
    bpmp,
    hostPhandles: host ? phandlesOf(host.tree) : new Map(),
    copies: new Map(),
    inner: new Set(),
    changes: [],
  };
  const placed = addNodes(there, devices, copying);
  for (const { device, node } of placed) fillDevice(device, node, copying);
  for (const { device } of placed) {
    if (device.described) copyChildProperties(device.described, device.profile, copying);
  }
  for (const { device, node } of placed) {
    label(tree, node, device);
    for (const companion of device.profile.guest.companions)
      if (request.isPatched !== false || !companion.isForPatched) addCompanion(there, companion, copying);
  }
  const memory = memoryOf(devices);
  const regions = fitRegions(request.reserved ?? referenceRegions, memory, request.reserved !== undefined);
  addMemory(copying, memory, regions);
  findings.push(...setBootArguments(tree, request.append));
  return {
    devices: placed.map(({ device, node }) => ({
      host: device.host,
      profile: device.profile.name,
      path: node.path,
    })),
    memory: regions,
    changes: copying.changes,
    findings,
  };
}

interface PlacedNode {
  readonly device: GuestDevice;
  readonly node: TreeNode;
}

/** Each device's node, in the device that it lies in where the guest has that; those around others come first. */
function addNodes(bus: TreeNode, devices: readonly GuestDevice[], copying: Copying): PlacedNode[] {
  const real = devices.filter(({ isCarveOut }) => !isCarveOut);
  const names = new Set(real.map(({ profile }) => profile.name));
  const isInner = ({ profile: { guest } }: GuestDevice) =>
    guest.within !== undefined && names.has(guest.within);
  const placed: PlacedNode[] = [];
  for (const device of [...real.filter((each) => !isInner(each)), ...real.filter(isInner)]) {
    const around = isInner(device)
      ? placed.find((each) => each.device.profile.name === device.profile.guest.within)?.node
      : undefined;
    const parent = around ?? bus;
    const name = nodeNameOf(device);
    if (parent.child(name))
      throw new GpuvmError(
        'GPUVM_CONFIG',
        `${device.host}: another device has the node ${name} in the guest's tree`,
      );
    const node = parent.add(name);
    placed.push({ device, node });
    if (device.described) {
      copying.copies.set(device.described, node);
      addChildren(device.described, node, device.profile, copying);
    }
  }
  return placed;
}

function setChip(root: TreeNode): void {
  const compatible = readStrings(root.get('compatible')) ?? [];
  root.set('compatible', strings(CHIP, ...compatible.filter((each) => each !== CHIP)));
  // QEMU says it of its own devices, which have it each; a host's device need not be so.
  root.properties.delete('dma-coherent');
}

function label(tree: Tree, node: TreeNode, { profile }: GuestDevice): void {
  const name = profile.name.replaceAll(/[^A-Za-z0-9_]/g, '_');
  const symbols = tree.root.child('__symbols__');
  if (symbols?.get(name) === undefined) setLabel(tree, name, node);
  const { alias } = profile.guest;
  if (alias === undefined) return;
  const aliases = tree.root.ensure('aliases');
  if (aliases.get(alias) === undefined) aliases.set(alias, strings(node.path));
}

function addCompanion(bus: TreeNode, { node: name, properties, reason }: Companion, copying: Copying): void {
  if (bus.child(name)) return;
  const node = bus.add(name);
  for (const [property, value] of Object.entries(properties)) node.set(property, bytesOf(value, copying));
  copying.changes.push({ path: node.path, property: 'compatible', what: 'set', reason });
}

/** QEMU's own tree says where it has the bus and RAM; what was computed from other numbers holds for another QEMU. */
function layoutFindings(tree: Tree, { base, ramBase }: PlatformBus): Finding[] {
  const hex = (value: bigint) => `0x${value.toString(16)}`;
  const own = findPlatformBus(tree);
  const [, digits] = /@([0-9a-f]+)$/.exec(own?.name ?? '') ?? [];
  const memory = [...tree.root.children].find((node) => readString(node.get('device_type')) === 'memory');
  const [ram] = memory ? regionsOf(memory) : [];
  const wrong = [
    ...(digits !== undefined && BigInt(`0x${digits}`) !== base
      ? [`its platform bus is at 0x${digits}, and the addresses are computed for ${hex(base)}`]
      : []),
    ...(ram !== undefined && ram.address !== ramBase
      ? [`its RAM is at ${hex(ram.address)}, and not at ${hex(ramBase)}`]
      : []),
  ];
  if (wrong.length === 0) return [];
  return [
    {
      id: 'guest-tree.layout',
      status: 'warn',
      what: `this QEMU's own device tree differs from the layout: ${wrong.join('; ')}`,
      evidence: [own?.path, memory?.path].filter((path) => path !== undefined).join(', '),
      fix: 'use the QEMU that the VM file is for, or say where this one has them (platformBus in the VM file)',
    },
  ];
}
