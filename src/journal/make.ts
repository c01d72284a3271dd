import {
  chmodSync,
  chownSync,
  closeSync,
  fsyncSync,
  openSync,
  readFileSync,
  renameSync,
  statSync,
  unlinkSync,
  writeSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { GpuvmError } from '../errors.js';
import { holds, observe, say } from './condition.js';
import type { Earlier } from './record.js';
import type { FileStep, HostStep, WriteStep } from './step.js';
import type { SysfsWriter } from './writer.js';

/** Looks whether the step can be made, and at what it will change. Throws GPUVM_BIND where the host is not as planned. */
export function look(step: HostStep, sysroot: string): Earlier {
  if (step.kind === 'write') {
    const { before, after } = step;
    if (before && !holds(before, sysroot) && !(after && holds(after, sysroot))) {
      throw new GpuvmError(
        'GPUVM_BIND',
        `cannot ${step.what}: ${say(before, observe(before, sysroot))}, which it was not a moment ago`,
        { details: { step: step.id } },
      );
    }
    return {};
  }
  if (step.kind === 'file')
    return { content: contentOf(join(sysroot, step.path)), ...modeOf(join(sysroot, step.path)) };
  return ownerOf(join(sysroot, step.path));
}

/**
 * Looks whether the host is still as it was when these steps were planned, before the first of them is made: of each
 * thing that they change, the first step that changes it says how it is to be. Throws GPUVM_BIND.
 */
export function lookAtAll(steps: readonly HostStep[], sysroot: string): void {
  const seen = new Set<string>();
  for (const step of steps) {
    if (step.kind !== 'write' || !step.before || seen.has(step.before.path)) continue;
    seen.add(step.before.path);
    look(step, sysroot);
  }
}

/** Makes the change and looks whether it took. */
export async function make(step: HostStep, sysroot: string, writer: SysfsWriter): Promise<void> {
  if (step.kind === 'write') return makeWrite(step, sysroot, writer);
  if (step.kind === 'file') return replaceFile(step, sysroot);
  const path = join(sysroot, step.path);
  const { uid, gid } = ownerOf(path);
  chownSync(path, step.uid ?? uid!, step.gid ?? gid!);
  if (step.mode !== undefined) chmodSync(path, step.mode);
}

async function makeWrite(step: WriteStep, sysroot: string, writer: SysfsWriter): Promise<void> {
  const { after } = step;
  // Somebody was faster, such as the kernel, which takes a device's consumers off it with the device itself.
  if (after && holds(after, sysroot)) return;
  await writer.write(join(sysroot, step.path), step.value);
  if (after && !holds(after, sysroot)) {
    throw new GpuvmError(
      'GPUVM_BIND',
      `the kernel took the write, but did not ${step.what}: ${say(after, observe(after, sysroot))}; the last lines of dmesg may say why`,
      { details: { step: step.id } },
    );
  }
}

export function contentOf(path: string): string | null {
  try {
    return readFileSync(path).toString('base64');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
}

export function ownerOf(path: string): { uid?: number; gid?: number; mode?: number } {
  try {
    const { uid, gid, mode } = statSync(path);
    return { uid, gid, mode: mode & 0o7777 };
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return {};
    throw error;
  }
}

function modeOf(path: string): { mode?: number } {
  const { mode } = ownerOf(path);
  return mode === undefined ? {} : { mode };
}

/** The name that a file has until it is whole. The same for every try, so that what a kill left behind is found. */
export function halfWritten(path: string): string {
  return `${path}.gpuvm-new`;
}

function replaceFile(step: FileStep, sysroot: string): void {
  writeWhole(join(sysroot, step.path), Buffer.from(step.content), step.mode ?? 0o644);
}

/** The file has the old content or the new one, never a part of it. */
export function writeWhole(path: string, content: Uint8Array, mode: number): void {
  const half = halfWritten(path);
  const fd = openSync(half, 'w', mode);
  try {
    for (let at = 0; at < content.length; ) at += writeSync(fd, content, at);
    chmodSync(half, mode);
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
  renameSync(half, path);
  syncFolderOf(path);
}

export function removeFile(path: string): void {
  try {
    unlinkSync(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    return;
  }
  syncFolderOf(path);
}

function syncFolderOf(path: string): void {
  const fd = openSync(dirname(path), 'r');
  try {
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}
