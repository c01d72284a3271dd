import { accessSync, constants, existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Finding } from '../../finding.js';
import { nearest } from '../../nearest.js';
import { buses } from '../bus.js';
import type { DeviceRequest } from '../device.js';
import { deviceNames, driverPath, type HostDevice, isVfioDriver } from '../read.js';

/** Whether there is such a device, with the nearest name where there is none. */
export function checkPresent({ bus, name }: DeviceRequest, sysroot: string): Finding {
  const folder = `/sys/bus/${bus}/devices`;
  const about = { id: `vfio.present/${name}`, device: name };
  if (existsSync(join(sysroot, folder, name)))
    return { ...about, status: 'ok', what: `${name} is there`, evidence: `${folder}/${name}` };
  const all = deviceNames(bus, sysroot);
  const meant = bus === 'pci' && all.includes(`0000:${name}`) ? `0000:${name}` : nearest(name, all);
  const mend =
    bus === 'platform'
      ? "apply the host's device-tree overlay that adds it, and reboot; ls /sys/bus/platform/devices"
      : 'lspci -D';
  return {
    ...about,
    status: 'fail',
    what: `there is no ${bus} device ${name}${meant ? `: the nearest is ${meant}` : ''}`,
    evidence: `${folder} has ${all.length} devices, and not this one`,
    fix: meant ? `name it ${meant}, or: ${mend}` : mend,
  };
}

/** Whether the device's present driver can be taken off it, and by whom it is claimed. */
export function checkDriver({ bus, name, driver, path }: HostDevice, sysroot: string): Finding {
  const about = { id: `vfio.driver/${name}`, device: name };
  const link = `${path}/driver`;
  if (!existsSync(join(sysroot, path, 'driver_override')))
    return {
      ...about,
      status: 'fail',
      what: `this kernel cannot bind ${name} to a driver of one's choice`,
      evidence: `${path}/driver_override is not there`,
      fix: 'use a kernel that has driver_override for this bus (3.17 or newer)',
    };
  if (!isVfioDriver(driver) && !mayBind({ bus, path }, sysroot))
    return {
      ...about,
      status: 'fail',
      what: `only root may bind ${name} to VFIO`,
      evidence: `${path}/driver_override cannot be written to`,
      fix: 'run gpuvm as root',
    };
  if (driver === null)
    return { ...about, status: 'ok', what: `${name} has no driver`, evidence: `${link} is not there` };
  if (isVfioDriver(driver))
    return {
      ...about,
      status: 'ok',
      what: `${name} is with ${driver} already`,
      evidence: `${link}: ${driver}`,
    };
  const unbind = `${driverPath(bus, driver)}/unbind`;
  if (!existsSync(join(sysroot, unbind)))
    return {
      ...about,
      status: 'fail',
      what: `${driver} has ${name} and cannot be taken off it`,
      evidence: `${unbind} is not there`,
      fix: `keep the driver from loading and reboot: echo "blacklist ${driver}" > /etc/modprobe.d/gpuvm-${driver}.conf`,
    };
  return {
    ...about,
    status: 'ok',
    what: `${driver} has ${name} and will be taken off it`,
    evidence: `${link}: ${driver}`,
  };
}

/** Whether the writes that bind a device can be made. A host that is only looked at has its own root. */
export function mayBind({ bus, path }: Pick<HostDevice, 'bus' | 'path'>, sysroot: string): boolean {
  if (sysroot !== '/') return true;
  return [`${path}/driver_override`, `/sys/bus/${bus}/drivers_probe`].every((file) => {
    try {
      accessSync(file, constants.W_OK);
      return true;
    } catch {
      return false;
    }
  });
}

/** Whether VFIO's driver is there to take it. */
export function checkVfioDriver(bus: 'platform' | 'pci', driver: string, sysroot: string): Finding {
  const { module, option } = buses[bus];
  const about = { id: `vfio.module/${driver}` };
  const path = driverPath(bus, driver);
  if (existsSync(join(sysroot, path)))
    return { ...about, status: 'ok', what: `the driver ${driver} is loaded`, evidence: path };
  const name = driver === buses[bus].driver ? module : driver;
  return {
    ...about,
    status: 'fail',
    what: `the driver ${driver} is not loaded`,
    evidence: `${path} is not there`,
    fix: `modprobe ${name.replaceAll('_', '-')}; at every boot: echo ${name.replaceAll('_', '-')} > /etc/modules-load.d/gpuvm.conf; a kernel without the module wants ${option}`,
  };
}
