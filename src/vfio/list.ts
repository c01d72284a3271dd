import { lockHolder } from '../journal/index.js';
import { comesIntoGroup } from './behind-iommu.js';
import { isAllowed } from './checks/group.js';
import { holdersOfDevices, sayHolder } from './checks/use.js';
import { subjectOf } from './device.js';
import type { VfioHost } from './host.js';
import { deviceNames, type GroupMember, groupNumbers, isVfioDriver, readDevice, readGroup } from './read.js';

/** One device for a list, as JSON holds it. */
export interface ListedDevice {
  readonly name: string;
  readonly bus: 'platform' | 'pci';
  readonly driver: string | null;
  readonly group: string | null;
  /** An IOMMU holds it in, also where it comes into its group only when it is bound. */
  readonly behindIommu: boolean;
  /** Processes that have it open: `qemu-system-aarch64 (4711)`. */
  readonly holders: readonly string[];
  /** The VM that has its lock. */
  readonly vm: string | null;
}

export interface ListedGroup {
  readonly group: string;
  readonly members: readonly Pick<GroupMember, 'bus' | 'name' | 'driver'>[];
  /** The kernel would let a VM have it as it is. */
  readonly viable: boolean;
}

/** The devices that a VM could have: those behind an IOMMU and those with a VFIO driver; with `all` every one. Reads only. */
export function listDevices({ sysroot = '/', folders }: VfioHost = {}, all = false): ListedDevice[] {
  const devices = (['platform', 'pci'] as const)
    .flatMap((bus) => deviceNames(bus, sysroot).flatMap((name) => readDevice(bus, name, sysroot) ?? []))
    .map((device) => ({
      device,
      behindIommu: device.group !== null || comesIntoGroup(device, sysroot) !== undefined,
    }))
    .filter(({ device, behindIommu }) => all || behindIommu || isVfioDriver(device.driver));
  const holders = holdersOfDevices(
    devices.map(({ device }) => device),
    sysroot,
  );
  return devices.map(({ device, behindIommu }) => {
    const { name, bus, driver, group } = device;
    const vm = folders ? (lockHolder(subjectOf(device), folders.locks)?.vm ?? null) : null;
    const openIn = [...new Set(holders.get(device)!.map(sayHolder))];
    return { name, bus, driver, group, behindIommu, holders: openIn, vm };
  });
}

export function listGroups({ sysroot = '/' }: VfioHost = {}): ListedGroup[] {
  return groupNumbers(sysroot).map((group) => {
    const members = readGroup(group, sysroot);
    return {
      group,
      members: members.map(({ bus, name, driver }) => ({ bus, name, driver })),
      viable: members.every((member) => isAllowed(member, sysroot)),
    };
  });
}

/** Finds on which bus a device of this name is; undefined where it is on none. */
export function busOf(name: string, sysroot = '/'): 'platform' | 'pci' | undefined {
  return (['platform', 'pci'] as const).find((bus) => readDevice(bus, name, sysroot) !== undefined);
}
