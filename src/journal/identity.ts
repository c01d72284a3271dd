import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/** A process beyond doubt: a pid alone may be somebody else's by now. */
export interface ProcessIdentity {
  readonly pid: number;
  /** Clock ticks since boot, field 22 of /proc/PID/stat. */
  readonly startTime: number;
}

/** No process has this pid: whose journal nobody looks after. */
export const NOBODY: ProcessIdentity = { pid: 0, startTime: 0 };

/** The process's identity; undefined where it is gone, or is a zombie: that holds nothing any more. */
export function identityOf(pid: number): ProcessIdentity | undefined {
  const stat = statFields(pid);
  return stat && stat.state !== 'Z' && stat.state !== 'X' ? { pid, startTime: stat.startTime } : undefined;
}

export function ownIdentity(): ProcessIdentity {
  const own = identityOf(process.pid);
  // Without /proc nothing of this program works; a start time of 0 is nobody's.
  return own ?? { pid: process.pid, startTime: 0 };
}

export function isAlive({ pid, startTime }: ProcessIdentity): boolean {
  return identityOf(pid)?.startTime === startTime;
}

/** What the kernel says this process waits in, for an error about one that hangs. */
export function whereItWaits(pid: number): string | undefined {
  const stack = readOr(`/proc/${pid}/stack`)?.trim().split('\n').slice(0, 4);
  const frames = stack?.map((line) => /\] ([\w.]+)/.exec(line)?.[1]).filter((frame) => frame !== undefined);
  if (frames?.length) return frames.join(' < ');
  const channel = readOr(`/proc/${pid}/wchan`)?.trim();
  return channel && channel !== '0' ? channel : undefined;
}

/** Another one with every boot. Undefined where there is no procfs. */
export function bootId(sysroot = '/'): string | undefined {
  return readOr(join(sysroot, 'proc/sys/kernel/random/boot_id'))?.trim();
}

function statFields(pid: number): { state: string; startTime: number } | undefined {
  const text = readOr(`/proc/${pid}/stat`);
  if (text === undefined) return undefined;
  // The name, in parentheses, may hold anything, parentheses and spaces too.
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  return { state: fields[0]!, startTime: Number(fields[19]) };
}

function readOr(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}
