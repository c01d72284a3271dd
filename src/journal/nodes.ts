import { type Dirent, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const DEPTH = 4;

/** `/dev/dri/card0`, `/dev/vfio/devices/vfio0`: what the kernel calls the nodes of what is below a folder of sysfs. */
export function nodesBelow(folder: string, sysroot = '/'): string[] {
  return nodesIn(join(sysroot, folder), DEPTH);
}

function nodesIn(folder: string, depth: number): string[] {
  if (depth === 0) return [];
  let entries: Dirent[];
  try {
    entries = readdirSync(folder, { withFileTypes: true });
  } catch {
    return [];
  }
  return entries.flatMap((entry) => {
    if (entry.isDirectory()) return nodesIn(join(folder, entry.name), depth - 1);
    if (entry.name !== 'uevent') return [];
    const node = nameIn(join(folder, entry.name));
    return node === undefined ? [] : [join('/dev', node)];
  });
}

function nameIn(uevent: string): string | undefined {
  try {
    return /^DEVNAME=(.+)$/m.exec(readFileSync(uevent, 'utf8'))?.[1];
  } catch {
    return undefined;
  }
}
