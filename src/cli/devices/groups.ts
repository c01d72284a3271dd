import { listGroups } from '../../vfio/index.js';
import type { Call } from '../command.js';
import type { Context } from '../context.js';
import { columns } from './columns.js';
import { placeOf } from './place.js';

export async function run(call: Call, { stdout, stderr, json }: Context): Promise<number> {
  const groups = listGroups(placeOf(call));
  if (json) {
    stdout.json({ groups });
    return 0;
  }
  if (groups.length === 0) {
    stderr.line('gpuvm: there are no IOMMU groups: the IOMMU is off, or there is none');
    return 0;
  }
  const rows = groups.flatMap(({ group, viable, members }) =>
    members.map(({ name, bus, driver }, at) => [
      at === 0 ? group : '',
      at === 0 ? (viable ? 'yes' : 'no') : '',
      name,
      bus,
      driver ?? '-',
    ]),
  );
  for (const line of columns([['GROUP', 'USABLE', 'DEVICE', 'BUS', 'DRIVER'], ...rows])) stdout.line(line);
  return 0;
}
