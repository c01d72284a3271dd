import { join } from 'node:path';
import { device } from './host-device-module.js';
import { REFERENCE as reference } from './orin-reference.js';
import { linked, names, text, write } from './sysfs.js';

const DEVICES = '/sys/bus/platform/devices';
const LEDGERS = '/var/lib/gpuvm/ledger';
const JOURNALS = '/var/lib/gpuvm/journal';

export { reference };

export const driver = (name: string) => linked(join(DEVICES, name, 'driver'));
export const group = (name: string) => linked(join(DEVICES, name, 'iommu_group'));

/** How the host stands, as far as a VM may have changed it: devices, VFIO's nodes, the BPMP, what gpuvm keeps of its own. */
export function orinState(): Record<string, string> {
  const all: Record<string, string> = {};
  for (const name of reference) {
    all[`${name} driver`] = driver(name) ?? 'none';
    all[`${name} override`] = text(join(DEVICES, name, 'driver_override'))?.trim() ?? 'no file';
  }
  all.nodes = names('/dev/vfio').join(' ');
  all.journals = String(names(JOURNALS).length);
  all.ledgers = names(LEDGERS).join(' ');
  for (const line of device.state()) all[line.split(' ').slice(0, 2).join(' ')] = line;
  return all;
}

/** Takes a device to VFIO by hand, for as long as `use` takes. */
export async function withVfio<T>(name: string, use: () => T): Promise<T> {
  const override = join(DEVICES, name, 'driver_override');
  write(override, 'vfio-platform');
  write('/sys/bus/platform/drivers_probe', name);
  try {
    return use();
  } finally {
    write('/sys/bus/platform/drivers/vfio-platform/unbind', name);
    write(override, '\n');
  }
}
