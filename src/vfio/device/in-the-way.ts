import { holdersOf, nodesBelow } from '../../journal/index.js';
import { isVfioDriver, readGroup } from '../read.js';
import type { DevicePlace } from './find.js';

/** Who has a node of the group open: the group's own, or that of one of its devices. */
export function openBy({ group, groupNode }: DevicePlace, sysroot: string): string {
  const members = readGroup(group, sysroot);
  const nodes = [groupNode, ...members.flatMap(({ path }) => nodesBelow(`${path}/vfio-dev`, sysroot))];
  const holders = holdersOf((path) => nodes.includes(path), sysroot);
  const who = [...new Set(holders.map(({ pid, name }) => `${name} (process ${pid})`))];
  return who.length > 0 ? `open in ${who.join(', ')}` : '';
}

/** Which drivers of the host keep the group from being anybody's: `0000:00:1f.3 is with i801_smbus`. */
export function driversOf({ group }: DevicePlace, sysroot: string): string {
  return readGroup(group, sysroot)
    .filter(({ driver }) => driver !== null && !isVfioDriver(driver))
    .map(({ name, driver }) => `${name} is with ${driver}`)
    .join(', ');
}
