import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { whereItWaits } from './identity.js';

/** A process that waits in the kernel, out of reach of signals. */
export interface Hanging {
  readonly pid: number;
  readonly name: string;
  /** What it waits in, as far as one may see it. */
  readonly wait: string | undefined;
}

/** Most of them wait for a disk, and go on in a moment. */
export function hangingProcesses(): Hanging[] {
  return pids().flatMap((pid) => {
    const [, name, state] = /^\d+ \((.*)\) (\w) /s.exec(statOf(pid)) ?? [];
    return state === 'D' ? [{ pid, name: name!, wait: whereItWaits(pid) }] : [];
  });
}

function pids(): number[] {
  try {
    return readdirSync('/proc')
      .filter((name) => /^\d+$/.test(name))
      .map(Number);
  } catch {
    return [];
  }
}

function statOf(pid: number): string {
  try {
    return readFileSync(join('/proc', String(pid), 'stat'), 'utf8');
  } catch {
    return '';
  }
}
