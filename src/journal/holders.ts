import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';

/** A process that has a file open. */
export interface Holder {
  readonly pid: number;
  /** Its name, as `ps` shows it. */
  readonly name: string;
  readonly path: string;
}

const POLL_MS = 25;

/** Who has a file open of which this says yes, by its path below the sysroot. Of other users' processes only root sees any. */
export function holdersOf(isWanted: (path: string) => boolean, sysroot = '/'): Holder[] {
  const proc = join(sysroot, 'proc');
  const holders: Holder[] = [];
  for (const pid of list(proc).filter((name) => /^\d+$/.test(name))) {
    const folder = join(proc, pid);
    const open = new Set(list(join(folder, 'fd')).map((fd) => target(join(folder, 'fd', fd))));
    for (const path of open) {
      if (path !== undefined && isWanted(path))
        holders.push({ pid: Number(pid), name: nameOf(folder), path });
    }
  }
  return holders;
}

/** What the kernel calls an open VFIO device in /proc/PID/fd. */
const VFIO_DEVICE = 'anon_inode:[vfio-device]';
const VFIO_NODE = /^\/dev\/vfio\/(devices\/|noiommu-)?\w*\d$/;

/**
 * Processes that have a VFIO device open without the node that it came from, which they closed or never had: the kernel
 * makes an unbinding wait for them as for any other, and does not say which device it is.
 */
export function holdersOfSomeDevice(sysroot = '/'): Holder[] {
  const all = holdersOf((path) => path === VFIO_DEVICE || VFIO_NODE.test(path), sysroot);
  const known = new Set(all.flatMap(({ pid, path }) => (path === VFIO_DEVICE ? [] : pid)));
  return all.filter(({ pid }) => !known.has(pid));
}

/** Waits until nobody has them open; answers who still has when the time is over. */
export async function waitUntilFree(
  paths: readonly string[],
  sysroot: string,
  deadlineMs: number,
): Promise<Holder[]> {
  const end = Date.now() + deadlineMs;
  for (;;) {
    const holders = holdersOf((path) => paths.includes(path), sysroot);
    if (holders.length === 0 || Date.now() >= end) return holders;
    await setTimeout(POLL_MS);
  }
}

function list(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

function target(path: string): string | undefined {
  try {
    // The kernel takes the node of a device away before it waits for those who have it open.
    return readlinkSync(path).replace(/ \(deleted\)$/, '');
  } catch {
    return undefined;
  }
}

function nameOf(folder: string): string {
  try {
    return readFileSync(join(folder, 'comm'), 'utf8').trim();
  } catch {
    return '?';
  }
}
