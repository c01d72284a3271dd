import type { VmConfig } from '../../config/index.js';
import type { Tree } from '../../devicetree/index.js';
import type { Finding } from '../../finding.js';
import type { GuestTreeReport, ReservedRegion } from '../../passthrough/index.js';
import { busFor, readHostTree } from '../plan/index.js';
import type { DescribeOptions } from './describes.js';

/** Puts the VM's platform devices into its tree, where QEMU will have them. The tree has the guest's /bpmp already. */
export async function describeDevices(
  tree: Tree,
  config: VmConfig,
  { sysroot = '/', hostTree = config.deviceTree.hostTree }: DescribeOptions = {},
): Promise<GuestTreeReport> {
  const { addDevices, chooseProfiles, placeDevices, resolveDevices } = await import(
    '../../passthrough/index.js'
  );
  const { deviceTree, append } = config;
  const [host, profiles, bus] = await Promise.all([
    readHostTree(sysroot, hostTree),
    chooseProfiles(deviceTree.profiles),
    busFor(config, sysroot),
  ]);
  const { devices, findings } = resolveDevices(config.platformDevices, host, profiles);
  const reserved = deviceTree.reservedMemory?.map(asRegion);
  // With this bridge the mailbox is the chip's own, for a kernel as it is.
  const isPatched = config.bridge?.kind !== 'ivc';
  const placed = placeDevices(devices, bus);
  const report = addDevices({ tree, devices: placed, bus, host, reserved, append, isPatched });
  return { ...report, findings: [...findings, ...report.findings] };
}

type Written = NonNullable<VmConfig['deviceTree']['reservedMemory']>[number];

function asRegion({ name, address, size, compatible, ...rest }: Written): ReservedRegion {
  return {
    name,
    address,
    size: size ?? 'carve-out',
    compatible,
    isKept: rest.noMap,
    isReusable: rest.reusable,
    isDefaultPool: rest.defaultPool,
    carveoutIndex: rest.carveout,
    properties: {},
    reason: 'deviceTree.reservedMemory of the VM file',
  };
}

/** One line for people, of a finding about a guest's tree. */
export function noteOf({ what, fix }: Finding): string {
  return `the guest's device tree: ${what}${fix === undefined ? '' : `: ${fix}`}`;
}
