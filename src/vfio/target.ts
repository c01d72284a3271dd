import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { buses } from './bus.js';
import type { DeviceRequest } from './device.js';
import { type Quirk, quirksOf } from './quirks.js';
import { driverPath, type HostDevice } from './read.js';

/** The driver that the device is to go to: as asked for, a quirk's where the kernel has it, or the bus's. */
export function targetDriver(
  device: HostDevice,
  request: DeviceRequest,
  sysroot: string,
  table?: readonly Quirk[],
): string {
  if (request.driver !== undefined) return request.driver;
  const bus = buses[device.bus];
  const { driver } = quirksOf(device, bus.identify(device, sysroot), table);
  if (driver !== undefined && existsSync(join(sysroot, driverPath(device.bus, driver)))) return driver;
  return bus.driver;
}
