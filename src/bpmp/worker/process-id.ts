import { readFileSync } from 'node:fs';

/** A process for certain: its number, and when it started, in the kernel's ticks since boot. */
export interface ProcessId {
  readonly pid: number;
  readonly startTicks: number;
}

/** The process that has this number now, or undefined. */
export function identify(pid: number, procRoot = '/proc'): ProcessId | undefined {
  try {
    const stat = readFileSync(`${procRoot}/${pid}/stat`, 'latin1');
    // The name before it may hold anything, parentheses too; proc(5): the start time is field 22.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    // A zombie does nothing any more.
    if (fields[0] === 'Z' || fields[0] === 'X') return undefined;
    const startTicks = Number(fields[19]);
    return Number.isSafeInteger(startTicks) ? { pid, startTicks } : undefined;
  } catch {
    return undefined;
  }
}

/** Whether that very process is still there. */
export function isAlive({ pid, startTicks }: ProcessId, procRoot = '/proc'): boolean {
  return pid > 0 && identify(pid, procRoot)?.startTicks === startTicks;
}

/** Another one with every boot; undefined where the kernel does not say. */
export function bootId(procRoot = '/proc'): string | undefined {
  try {
    return readFileSync(`${procRoot}/sys/kernel/random/boot_id`, 'latin1').trim();
  } catch {
    return undefined;
  }
}
