import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/** Where systemd's hierarchy is: unified, hybrid, legacy. */
const HIERARCHIES = ['sys/fs/cgroup', 'sys/fs/cgroup/unified', 'sys/fs/cgroup/systemd'];
const POLL_MS = 20;

export interface Leftover {
  readonly pid: number;
  /** The program's name, as the kernel has it. */
  readonly name: string;
}

/** Processes in a unit's cgroup, apart from this one, those that it comes from, and those that come from it. */
export function leftoversIn(controlGroup: string, sysroot = '/', self = process.pid): Leftover[] {
  // The root of the hierarchy is never a service's.
  if (!/^\/[^/]/.test(controlGroup) || controlGroup.split('/').includes('..')) return [];
  const own = ancestorsOf(self, sysroot);
  return procsIn(controlGroup, sysroot)
    .filter((pid) => !own.has(pid) && !ancestorsOf(pid, sysroot).has(self))
    .map((pid) => ({ pid, name: read(join(sysroot, `proc/${pid}/comm`)).trim() || '?' }));
}

export interface EndOptions {
  readonly sysroot?: string;
  /** How long SIGTERM is given; a QEMU writes its disks back. */
  readonly terminateMs?: number;
  /** How long SIGKILL is given; a QEMU that holds devices takes its time in the kernel. */
  readonly killMs?: number;
  readonly kill?: (pid: number, signal: NodeJS.Signals) => void;
}

/** Ends what is left in a unit's cgroup: those that were there, and those that would not go. */
export async function endLeftovers(
  controlGroup: string,
  { sysroot = '/', terminateMs = 5_000, killMs = 10_000, kill = signal }: EndOptions = {},
): Promise<{ readonly found: readonly Leftover[]; readonly left: readonly Leftover[] }> {
  const found = leftoversIn(controlGroup, sysroot);
  let left = found;
  for (const [name, ms] of [
    ['SIGTERM', terminateMs],
    ['SIGKILL', killMs],
  ] as const) {
    const until = performance.now() + ms;
    // Who came since is signalled too, and whoever is stopped can be ended by SIGKILL only.
    for (const { pid } of left) kill(pid, name);
    while (left.length > 0 && performance.now() < until) {
      await new Promise((resolve) => setTimeout(resolve, POLL_MS));
      left = leftoversIn(controlGroup, sysroot);
    }
  }
  return { found, left };
}

function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name);
  } catch {}
}

function procsIn(controlGroup: string, sysroot: string): number[] {
  for (const hierarchy of HIERARCHIES) {
    const text = read(join(sysroot, hierarchy, controlGroup, 'cgroup.procs'));
    if (text !== '') return text.trim().split('\n').map(Number).filter(Boolean);
  }
  return [];
}

/** The process, its parent, and so on. */
function ancestorsOf(pid: number, sysroot: string): Set<number> {
  const ancestors = new Set<number>();
  for (let next = pid; next > 0 && !ancestors.has(next); ) {
    ancestors.add(next);
    const stat = read(join(sysroot, `proc/${next}/stat`));
    // The name may hold anything; what follows its last bracket does not.
    next = Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]) || 0;
  }
  return ancestors;
}

function read(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}
