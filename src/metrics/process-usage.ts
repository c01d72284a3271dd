import { readFile } from 'node:fs/promises';
import { join } from 'node:path';

export interface ProcessUsage {
  readonly cpuSeconds: number;
  readonly residentBytes: number;
}

/** USER_HZ, which is 100 on every architecture that gpuvm knows. */
const TICKS_PER_SECOND = 100;
/** Of /proc/PID/stat behind the name in parentheses: the state is the first. */
const UTIME = 11;
const STIME = 12;

/** What a process has used; undefined where it is gone or not to be seen. */
export async function processUsage(pid: number, root = '/'): Promise<ProcessUsage | undefined> {
  try {
    const folder = join(root, 'proc', String(pid));
    const [stat, status] = await Promise.all([
      readFile(join(folder, 'stat'), 'utf8'),
      readFile(join(folder, 'status'), 'utf8'),
    ]);
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    const ticks = Number(fields[UTIME]) + Number(fields[STIME]);
    const kibibytes = Number(/^VmRSS:\s*(\d+) kB$/m.exec(status)?.[1]);
    if (Number.isNaN(ticks) || Number.isNaN(kibibytes)) return undefined;
    return { cpuSeconds: ticks / TICKS_PER_SECOND, residentBytes: kibibytes * 1024 };
  } catch {
    return undefined;
  }
}
