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
  // Only what has a number has a node. Of others the file is not read: while the kernel waits for a driver to let go of a
  // device it keeps whoever reads that device's own.
  const node = entries.some(({ name }) => name === 'dev') ? nameIn(join(folder, 'uevent')) : undefined;
  const below = entries.filter((entry) => entry.isDirectory());
  return [
    ...(node === undefined ? [] : [join('/dev', node)]),
    ...below.flatMap(({ name }) => nodesIn(join(folder, name), depth - 1)),
  ];
}

function nameIn(uevent: string): string | undefined {
  try {
    return /^DEVNAME=(.+)$/m.exec(readFileSync(uevent, 'utf8'))?.[1];
  } catch {
    return undefined;
  }
}
