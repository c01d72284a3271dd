import { existsSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { basename, join } from 'node:path';
import type { Finding } from '../finding.js';
import type { DeviceRequest } from './device.js';
import type { VfioHost } from './host.js';

/** One kind of device. */
export interface Bus {
  readonly name: 'platform' | 'pci';
  /** VFIO's driver for it, and the module that the driver is in. */
  readonly driver: string;
  readonly module: string;
  /** The kernel's option for that driver. */
  readonly option: string;
  /** The kernel lets a group be used although this member is not VFIO's: a bridge has no DMA of its own. */
  isHarmless(member: GroupMember, sysroot: string): boolean;
  /** How the host can reset the device, if at all. */
  checkReset(device: HostDevice, request: DeviceRequest, host: Required<Pick<VfioHost, 'sysroot'>>): Finding;
  /** What a quirk is matched by besides the name: `10de:2342`, `nvidia,ga10b`. */
  identify(device: HostDevice, sysroot: string): readonly string[];
}

/** A device as sysfs shows it. Paths are those below the sysroot. */
export interface HostDevice {
  readonly bus: 'platform' | 'pci';
  readonly name: string;
  /** `/sys/bus/platform/devices/17000000.gpu` */
  readonly path: string;
  readonly driver: string | null;
  /**
   * As the file has it: `(null)` where nothing is set. Undefined where this kernel has no such file. Read when it is asked
   * for: while the kernel waits for a driver to let go of the device it keeps whoever reads the file, too.
   */
  readonly override: string | undefined;
  /** Its IOMMU group's number; null without one. */
  readonly group: string | null;
}

export interface GroupMember {
  readonly bus: string;
  readonly name: string;
  readonly path: string;
  readonly driver: string | null;
}

export function devicePath(bus: string, name: string): string {
  return `/sys/bus/${bus}/devices/${name}`;
}

export function driverPath(bus: string, driver: string): string {
  return `/sys/bus/${bus}/drivers/${driver}`;
}

export function readDevice(bus: 'platform' | 'pci', name: string, sysroot: string): HostDevice | undefined {
  const path = devicePath(bus, name);
  if (name === '' || name.includes('/') || name.startsWith('.') || !existsSync(join(sysroot, path)))
    return undefined;
  return {
    bus,
    name,
    path,
    driver: linkName(join(sysroot, path, 'driver')),
    get override() {
      return readText(join(sysroot, path, 'driver_override'));
    },
    group: linkName(join(sysroot, path, 'iommu_group')),
  };
}

export function deviceNames(bus: string, sysroot: string): string[] {
  return names(join(sysroot, `/sys/bus/${bus}/devices`));
}

/** All devices of an IOMMU group. */
export function readGroup(group: string, sysroot: string): GroupMember[] {
  const folder = `/sys/kernel/iommu_groups/${group}/devices`;
  return names(join(sysroot, folder)).map((name) => {
    const path = `${folder}/${name}`;
    const bus = linkName(join(sysroot, path, 'subsystem')) ?? '?';
    return { bus, name, path, driver: linkName(join(sysroot, path, 'driver')) };
  });
}

export function groupNumbers(sysroot: string): string[] {
  return names(join(sysroot, '/sys/kernel/iommu_groups')).sort((a, b) => Number(a) - Number(b));
}

export function isVfioDriver(driver: string | null): boolean {
  return driver !== null && /(^|[-_])vfio([-_]|$)/.test(driver);
}

/** The module that a driver is in; undefined where it is built in. */
export function moduleOf(bus: string, driver: string, sysroot: string): string | undefined {
  return linkName(join(sysroot, driverPath(bus, driver), 'module')) ?? undefined;
}

export function linkName(path: string): string | null {
  try {
    return basename(readlinkSync(path));
  } catch {
    return null;
  }
}

/** A file's text without its last newline; undefined where it cannot be read. */
export function readText(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8').replace(/\n$/, '');
  } catch {
    return undefined;
  }
}

export function names(folder: string): string[] {
  try {
    return readdirSync(folder).sort();
  } catch {
    return [];
  }
}
