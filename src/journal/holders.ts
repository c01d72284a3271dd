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

/** Who has one of these files open, by their paths below the sysroot. Of other users' processes only root sees any. */
export function holdersOf(paths: readonly string[], sysroot = '/'): Holder[] {
  if (paths.length === 0) return [];
  const wanted = new Set(paths);
  const proc = join(sysroot, 'proc');
  const holders: Holder[] = [];
  for (const pid of list(proc).filter((name) => /^\d+$/.test(name))) {
    const folder = join(proc, pid);
    const open = new Set(list(join(folder, 'fd')).map((fd) => target(join(folder, 'fd', fd))));
    for (const path of open) {
      if (path !== undefined && wanted.has(path))
        holders.push({ pid: Number(pid), name: nameOf(folder), path });
    }
  }
  return holders;
}

/** Waits until nobody has them open; answers who still has when the time is over. */
export async function waitUntilFree(
  paths: readonly string[],
  sysroot: string,
  deadlineMs: number,
): Promise<Holder[]> {
  const end = Date.now() + deadlineMs;
  for (;;) {
    const holders = holdersOf(paths, sysroot);
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
    return readlinkSync(path);
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
