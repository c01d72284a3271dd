import type { PlatformDevice, VmConfig } from '../../config/index.js';
import {
  type AddressRange,
  interruptCount,
  isEnabled,
  phandlesOf,
  platformNameOf,
  regionsOf,
  type TreeNode,
  walk,
} from '../../devicetree/index.js';
import { deviceAt, type PlanFinding } from './finding.js';
import type { HostTree } from './host-tree.js';

/** What a device is made of, as far as it could be found out. */
export interface DeviceShape {
  readonly host: string;
  readonly mmioBase: bigint | undefined;
  /** In bytes, in the order of the device's `reg`; undefined where nobody knows. */
  readonly regions: readonly bigint[] | undefined;
  readonly interrupts: number | undefined;
  /** Where the host has the regions, where its tree says it. */
  readonly ranges: readonly AddressRange[] | undefined;
}

/** The sizes and counts of the VM file's platform devices: its own, else those of the host's tree. */
export function shapesOf(
  { platformDevices }: VmConfig,
  host: HostTree | undefined,
): { shapes: DeviceShape[]; findings: PlanFinding[] } {
  const findings: PlanFinding[] = [];
  const lookUp = host && lookIn(host);
  const shapes = platformDevices.map((device, index): DeviceShape => {
    const found = lookUp?.(device.host);
    if (found && !found.isEnabled) findings.push(disabled(device.host, found.path, host!, index));
    const shape = {
      host: device.host,
      mmioBase: device.mmioBase,
      regions: device.regions ?? found?.ranges.map(({ size }) => size),
      interrupts: device.interrupts ?? found?.interrupts,
      ranges: found?.ranges,
    };
    const differing = found && contradiction(device, found);
    if (differing) {
      const what = `${deviceAt(index)}: ${device.host}: ${differing}; those of the VM file are taken`;
      findings.push(finding('warn', device.host, index, what, `${host!.from}: ${found.path}`));
    }
    const missing = [
      ...(shape.regions ? [] : ['regions']),
      ...(shape.interrupts === undefined ? ['interrupts'] : []),
    ];
    if (missing.length > 0) findings.push(unknown(device.host, index, missing, host));
    return shape;
  });
  return { shapes, findings };
}

interface Found {
  readonly path: string;
  readonly isEnabled: boolean;
  readonly ranges: readonly AddressRange[];
  readonly interrupts: number | undefined;
}

function lookIn({ tree }: HostTree): (host: string) => Found | undefined {
  const byName = new Map<string, TreeNode>();
  // Linux makes devices of enabled nodes only, so one of those is the one that is meant.
  for (const node of walk(tree.root)) {
    const name = platformNameOf(node);
    const other = byName.get(name);
    if (!other || (!isEnabled(other) && isEnabled(node))) byName.set(name, node);
  }
  const phandles = phandlesOf(tree);
  return (host) => {
    const node = byName.get(host);
    return (
      node && {
        path: node.path,
        isEnabled: isEnabled(node),
        ranges: regionsOf(node),
        interrupts: interruptCount(node, phandles),
      }
    );
  };
}

function contradiction({ regions, interrupts }: PlatformDevice, found: Found): string | undefined {
  const sizes = found.ranges.map(({ size }) => size);
  const list = (all: readonly bigint[]) => all.map((size) => `0x${size.toString(16)}`).join(', ') || 'none';
  if (regions && regions.join() !== sizes.join())
    return `its regions are ${list(regions)} in the VM file and ${list(sizes)} in the host's tree`;
  if (interrupts !== undefined && found.interrupts !== undefined && interrupts !== found.interrupts)
    return `it has ${interrupts} interrupts in the VM file and ${found.interrupts} in the host's tree`;
  return undefined;
}

function unknown(
  device: string,
  index: number,
  missing: readonly string[],
  host: HostTree | undefined,
): PlanFinding {
  const near = host && neighbour(host, device);
  const give = `give ${missing.join(' and ')} with the device`;
  const fix = near
    ? `the host's tree has ${near} there: apply the overlay that gives it to VMs, or ${give}`
    : host
      ? `apply the overlay that adds it to the host's tree, or ${give}`
      : `give the host's tree (--host-tree), or ${give}`;
  const evidence = host ? `${host.from} has no node for it` : 'there is no device tree of the host';
  const what = `${deviceAt(index)}: the ${missing.join(' and ')} of ${device} are not known`;
  return { ...finding('fail', device, index, what, evidence), about: 'unknown', fix };
}

/** Another node at the address that the device's name begins with. */
function neighbour({ tree }: HostTree, device: string): string | undefined {
  const [address] = device.split('.', 1);
  for (const node of walk(tree.root)) {
    const name = platformNameOf(node);
    if (name.startsWith(`${address}.`) && !name.includes(':')) return name;
  }
  return undefined;
}

function disabled(device: string, path: string, { from }: HostTree, index: number): PlanFinding {
  const what = `${deviceAt(index)}: ${device} is disabled in the host's tree: the host has no such device`;
  return {
    ...finding('warn', device, index, what, `${from}: ${path}: status`),
    fix: 'apply the overlay that gives the device to VMs',
  };
}

function finding(
  status: PlanFinding['status'],
  device: string,
  index: number,
  what: string,
  evidence: string,
): PlanFinding {
  const id = `plan.shape/${device}`;
  return { id, status, what, evidence, device, about: 'host', at: ['platformDevices', index] };
}
