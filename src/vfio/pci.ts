import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Finding } from '../finding.js';
import type { DeviceRequest } from './device.js';
import { type Bus, type GroupMember, type HostDevice, readText } from './read.js';

/** The class of a PCI-to-PCI bridge, as sysfs writes it: `0x060400`. */
const BRIDGE = /^0x0604/;
/** Drivers that leave DMA to whoever has the group (`driver_managed_dma` in the kernel). */
const HARMLESS_DRIVERS = ['pci-stub', 'pcieport'];

export const pciBus: Bus = {
  name: 'pci',
  driver: 'vfio-pci',
  module: 'vfio_pci',
  option: 'CONFIG_VFIO_PCI',
  isHarmless: ({ path, driver }: GroupMember, sysroot) =>
    HARMLESS_DRIVERS.includes(driver ?? '') || BRIDGE.test(readText(join(sysroot, path, 'class')) ?? ''),
  identify({ path }, sysroot) {
    const [vendor, device] = ['vendor', 'device'].map((file) =>
      readText(join(sysroot, path, file))?.replace(/^0x/, ''),
    );
    return vendor && device ? [`${vendor}:${device}`] : [];
  },
  checkReset,
};

/** Without a reset a function goes to the next guest, or back to the host, as the last one left it. */
function checkReset(device: HostDevice, request: DeviceRequest, { sysroot }: { sysroot: string }): Finding {
  const about = { id: `vfio.reset/${device.name}`, device: device.name };
  const file = `${device.path}/reset_method`;
  const methods = readText(join(sysroot, file));
  const resettable = existsSync(join(sysroot, device.path, 'reset'));
  if (methods?.trim() || (methods === undefined && resettable))
    return {
      ...about,
      status: 'ok',
      what: `${device.name} can be reset${methods ? ` by ${methods.trim()}` : ''}`,
      evidence: methods === undefined ? `${device.path}/reset` : `${file}: ${methods.trim()}`,
    };
  const wanted = request.resetRequired;
  return {
    ...about,
    status: wanted ? 'fail' : wanted === false ? 'ok' : 'warn',
    what: `the kernel knows no way to reset ${device.name}`,
    evidence: `${file}: ${methods === undefined ? 'not there' : 'empty'}; ${device.path}/reset: ${resettable ? 'there' : 'not there'}`,
    fix: `see what it offers: lspci -vvs ${device.name} | grep -i flr`,
  };
}
