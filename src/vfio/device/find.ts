import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { GpuvmError } from '../../errors.js';
import { buses } from '../bus.js';
import { type HostDevice, isVfioDriver, names, readDevice } from '../read.js';

/** Where a device is to be had. Paths are those below the sysroot. */
export interface DevicePlace {
  readonly name: string;
  /** Its IOMMU group, and the group's node. */
  readonly group: string;
  readonly groupNode: string;
  /** The device's own node, where the kernel has one (iommufd, Linux 6.6). */
  readonly node: string | undefined;
}

/** Looks the device up; throws GPUVM_DEVICE where it is not there, or not with VFIO. */
export function findDevice(name: string, sysroot: string): DevicePlace {
  const device = readDevice('pci', name, sysroot) ?? readDevice('platform', name, sysroot);
  if (device === undefined)
    throw new GpuvmError(
      'GPUVM_DEVICE',
      `there is no PCI or platform device ${JSON.stringify(name)}: gpuvm devices list`,
    );
  if (!isVfioDriver(device.driver))
    throw new GpuvmError(
      'GPUVM_DEVICE',
      `${name} is with ${device.driver ?? 'no driver'}, not with ${buses[device.bus].driver}: gpuvm devices bind ${name}`,
    );
  if (device.group === null)
    throw new GpuvmError(
      'GPUVM_DEVICE',
      `${name} is in no IOMMU group: no IOMMU holds it in, and VFIO needs one`,
    );
  return { name, group: device.group, groupNode: `/dev/vfio/${device.group}`, node: nodeOf(device, sysroot) };
}

function nodeOf({ path }: HostDevice, sysroot: string): string | undefined {
  const [node] = names(join(sysroot, path, 'vfio-dev')).filter((entry) => /^vfio\d+$/.test(entry));
  const own = node === undefined ? undefined : `/dev/vfio/devices/${node}`;
  return own !== undefined && existsSync(join(sysroot, own)) ? own : undefined;
}
