import { existsSync, readFileSync, realpathSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { type HostDevice, names } from './read.js';

/** Arm's table of IOMMUs, where the firmware describes the machine by ACPI. */
const IORT = '/sys/firmware/acpi/tables/IORT';
const PCI_FUNCTION = /^([0-9a-f]{4,}):([0-9a-f]{2}):([0-9a-f]{2})\.([0-7])$/;

/**
 * Where it says that an IOMMU holds in a device which has no group yet: on Arm, the kernel puts a device into its group no
 * sooner than a driver is tried on it. Undefined where it has a group or a driver, or nothing says so.
 */
export function comesIntoGroup(device: HostDevice, sysroot: string): string | undefined {
  const { bus, path, driver, group } = device;
  if (group !== null || driver !== null) return undefined;
  const iommus = `${path}/of_node/iommus`;
  if (existsSync(join(sysroot, iommus))) return iommus;
  return bus === 'pci' ? (mapOf(device, sysroot) ?? tableOf(sysroot)) : undefined;
}

/** The `iommu-map` of the function's host bridge, where the function is in it. */
function mapOf({ name, path }: HostDevice, sysroot: string): string | undefined {
  const [, , bus, slot, number] = PCI_FUNCTION.exec(name) ?? [];
  if (bus === undefined) return undefined;
  const requester =
    (Number.parseInt(bus, 16) << 8) | (Number.parseInt(slot!, 16) << 3) | Number.parseInt(number!, 16);
  for (let folder = realPath(join(sysroot, path)); folder.length > 1; folder = dirname(folder)) {
    const map = cells(join(folder, 'of_node/iommu-map'));
    if (map === undefined) continue;
    const masked = requester & (cells(join(folder, 'of_node/iommu-map-mask'))?.[0] ?? 0xffff);
    // Of four cells: the first number, the IOMMU, the first stream, how many.
    for (let at = 0; at + 4 <= map.length; at += 4)
      if (masked >= map[at]! && masked < map[at]! + map[at + 3]!) return `${path}/…/of_node/iommu-map`;
    return undefined;
  }
  return undefined;
}

function tableOf(sysroot: string): string | undefined {
  const isThere = existsSync(join(sysroot, IORT)) && names(join(sysroot, '/sys/class/iommu')).length > 0;
  return isThere ? IORT : undefined;
}

function realPath(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    return '';
  }
}

function cells(path: string): number[] | undefined {
  try {
    const bytes = readFileSync(path);
    return Array.from({ length: Math.floor(bytes.length / 4) }, (_, at) => bytes.readUInt32BE(at * 4));
  } catch {
    return undefined;
  }
}
