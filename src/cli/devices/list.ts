import { listDevices } from '../../vfio/index.js';
import type { Call } from '../command.js';
import type { Context } from '../context.js';
import { columns } from './columns.js';
import { placeOf } from './place.js';

export async function run(call: Call, { stdout, stderr, json }: Context): Promise<number> {
  const all = call.options.all === true;
  const devices = listDevices(placeOf(call), all);
  if (json) {
    stdout.json({ devices });
    return 0;
  }
  if (devices.length === 0) {
    stderr.line(
      all
        ? 'gpuvm: there are no platform or PCI devices'
        : 'gpuvm: no device is behind an IOMMU; --all lists the others',
    );
    return 0;
  }
  const rows = devices.map(({ name, bus, group, behindIommu, driver, vm, holders }) => [
    name,
    bus,
    group ?? (behindIommu ? 'when bound' : '-'),
    driver ?? '-',
    vm ?? '-',
    holders.join(', ') || '-',
  ]);
  for (const line of columns([['DEVICE', 'BUS', 'GROUP', 'DRIVER', 'VM', 'OPEN IN'], ...rows]))
    stdout.line(line);
  return 0;
}
