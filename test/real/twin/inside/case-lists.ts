import { gpuvm } from './processes.js';
import { driver, group, linked, names } from './sysfs.js';

/** The lists, and what sysfs says without them. */
export async function lists(edu: string, e1000e: string) {
  const devices = await gpuvm(['devices', 'list', '--json']);
  const groups = await gpuvm(['devices', 'groups', '--json']);
  const people = { devices: await gpuvm(['devices', 'list']), groups: await gpuvm(['devices', 'groups']) };
  const kernel = {
    groups: Object.fromEntries(
      names('/sys/kernel/iommu_groups').map((number) => [
        number,
        names(`/sys/kernel/iommu_groups/${number}/devices`),
      ]),
    ),
    drivers: Object.fromEntries(
      names('/sys/bus/pci/devices')
        .filter((name) => linked(`/sys/bus/pci/devices/${name}/iommu_group`) !== null)
        .map((name) => [name, { driver: driver(name), group: group(name) }]),
    ),
  };
  return { edu, e1000e, devices, groups, people, kernel };
}

export type Lists = Awaited<ReturnType<typeof lists>>;
