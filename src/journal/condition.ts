import { readFileSync, readlinkSync, statSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import type { Condition } from './step.js';

/** What is there now; undefined where that which has the file or the link is gone altogether. */
export function observe(condition: Condition, sysroot: string): string | null | undefined {
  const path = join(sysroot, condition.path);
  try {
    if (condition.kind === 'link') return basename(readlinkSync(path));
    return readFileSync(path, 'utf8').replace(/\n$/, '');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    return condition.kind === 'link' && isFolder(dirname(path)) ? null : undefined;
  }
}

export function holds(condition: Condition, sysroot: string): boolean {
  return observe(condition, sysroot) === wanted(condition);
}

export function wanted(condition: Condition): string | null {
  return condition.kind === 'link' ? condition.target : condition.value;
}

/** For a message: `/sys/…/driver is nvgpu`. */
export function say(condition: Condition, present: string | null | undefined): string {
  if (present === undefined) return `${condition.path} is gone`;
  return `${condition.path} is ${present === null ? 'not there' : JSON.stringify(present)}`;
}

function isFolder(path: string): boolean {
  try {
    return statSync(path).isDirectory();
  } catch {
    return false;
  }
}
