import { chmodSync, chownSync, existsSync, readlinkSync } from 'node:fs';
import { basename, join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { GpuvmError } from '../errors.js';
import { observe, say, wanted } from './condition.js';
import type { Entry } from './contents.js';
import { type Holder, holdersOf, holdersOfSomeDevice, waitUntilFree } from './holders.js';
import { isAlive } from './identity.js';
import { contentOf, halfWritten, ownerOf, removeFile, writeWhole } from './make.js';
import { nodesBelow } from './nodes.js';
import type { Earlier } from './record.js';
import type { UndoneStep } from './report.js';
import type { ChildRecord, Condition, FileStep, OwnerStep, WriteStep } from './step.js';
import { isHung, type SysfsWriter } from './writer.js';

export interface UndoSurroundings {
  readonly sysroot: string;
  readonly writer: SysfsWriter;
  /** The changes were made since the last boot. */
  readonly sameBoot: boolean;
  /** Say what would be done, and do nothing. */
  readonly dryRun: boolean;
  /** In a dry run: how the host would look by now, by the conditions' paths. */
  readonly predicted?: Map<string, string | null>;
  /** How long to wait for a process to end. */
  readonly patienceMs: number;
  /** How long to wait for devices to be closed, all of them together: one user may have ten of them open. */
  readonly waiting: { leftMs: number };
  /** Writes down that the entry's undo is about to be made. */
  about(): Promise<void>;
}

type Result = Pick<UndoneStep, 'outcome' | 'why'>;

const POLL_MS = 10;

/**
 * Puts one change back, whether or not it was made: the host is looked at first. Does not throw for what goes wrong
 * with the host: that is an outcome.
 */
export async function unmake({ step, child, earlier }: Entry, around: UndoSurroundings): Promise<Result> {
  if (child) return endChild(child, around);
  if (step!.kind === 'file') return unmakeFile(step!, earlier, around);
  // Sysfs, procfs and device nodes begin anew with every boot.
  if (!around.sameBoot) return { outcome: 'obsolete' };
  return step!.kind === 'write' ? unmakeWrite(step!, around) : unmakeOwner(step!, earlier, around);
}

async function unmakeWrite(step: WriteStep, around: UndoSurroundings): Promise<Result> {
  const { before, after, undo, irrevocable } = step;
  const { sysroot, writer } = around;
  if (irrevocable !== undefined) return { outcome: 'left', why: irrevocable };
  if (!undo || !before) return { outcome: 'nothing' };
  const see = (condition: Condition) =>
    around.predicted?.has(condition.path)
      ? around.predicted.get(condition.path)
      : observe(condition, sysroot);
  const present = see(before);
  if (present === undefined) return { outcome: 'nothing', why: say(before, present) };
  if (present === wanted(before)) return { outcome: 'nothing' };
  const made = after && see(after);
  if (after && made !== wanted(after)) {
    return { outcome: 'failed', why: `${say(after, made)}, which gpuvm did not make it: left alone` };
  }
  if (around.dryRun) {
    around.predicted?.set(before.path, wanted(before));
    return { outcome: 'undone' };
  }
  const nodes = nodesToBeFree(undo, sysroot);
  const holders = nodes.length > 0 ? await waitWithin(around, nodes) : [];
  if (holders.length > 0) return { outcome: 'failed', why: `${sayHolders(holders)}: end that first` };
  await around.about();
  try {
    await writer.write(join(sysroot, undo.path), undo.value);
  } catch (error) {
    throw nodes.length > 0 && isHung(error) ? withSuspects(error, nodes, sysroot) : error;
  }
  const now = observe(before, sysroot);
  if (now === wanted(before)) return { outcome: 'undone' };
  return { outcome: 'failed', why: `the kernel took the write, but ${say(before, now)}` };
}

function nodesToBeFree(undo: NonNullable<WriteStep['undo']>, sysroot: string): string[] {
  const { whenFree = [], whenFreeBelow, whenFreeNamed } = undo;
  return [
    ...whenFree,
    ...(whenFreeBelow === undefined ? [] : nodesBelow(whenFreeBelow, sysroot)),
    ...(whenFreeNamed === undefined ? [] : nodeNamed(whenFreeNamed, sysroot)),
  ];
}

function nodeNamed({ link, folder }: { link: string; folder: string }, sysroot: string): string[] {
  try {
    return [join(folder, basename(readlinkSync(join(sysroot, link))))];
  } catch {
    return [];
  }
}

async function waitWithin(
  { waiting, sysroot }: UndoSurroundings,
  paths: readonly string[],
): Promise<Holder[]> {
  const start = Date.now();
  const holders = await waitUntilFree(paths, sysroot, waiting.leftMs);
  waiting.leftMs = Math.max(0, waiting.leftMs - (Date.now() - start));
  return holders;
}

async function unmakeFile(step: FileStep, earlier: Earlier, around: UndoSurroundings): Promise<Result> {
  const path = join(around.sysroot, step.path);
  const { content = null, mode = 0o644 } = earlier;
  const present = contentOf(path);
  const half = existsSync(halfWritten(path));
  if (half && !around.dryRun) removeFile(halfWritten(path));
  if (present === content) return { outcome: half ? 'undone' : 'nothing' };
  if (present !== Buffer.from(step.content).toString('base64')) {
    return { outcome: 'failed', why: `${step.path} was changed by somebody else since: left alone` };
  }
  if (around.dryRun) return { outcome: 'undone' };
  await around.about();
  if (content === null) removeFile(path);
  else writeWhole(path, Buffer.from(content, 'base64'), mode);
  return { outcome: 'undone' };
}

async function unmakeOwner(step: OwnerStep, earlier: Earlier, around: UndoSurroundings): Promise<Result> {
  const path = join(around.sysroot, step.path);
  const present = ownerOf(path);
  if (present.uid === undefined) return { outcome: 'nothing', why: `${step.path} is gone` };
  const same = (other: Earlier) =>
    present.uid === other.uid && present.gid === other.gid && present.mode === other.mode;
  if (earlier.uid === undefined || same(earlier)) return { outcome: 'nothing' };
  if (around.dryRun) return { outcome: 'undone' };
  await around.about();
  chownSync(path, earlier.uid, earlier.gid!);
  chmodSync(path, earlier.mode!);
  return { outcome: 'undone' };
}

async function endChild(
  child: ChildRecord,
  { dryRun, sameBoot, patienceMs, about }: UndoSurroundings,
): Promise<Result> {
  if (!sameBoot || !isAlive(child)) return { outcome: 'nothing' };
  if (dryRun) return { outcome: 'undone' };
  await about();
  for (const signal of ['SIGTERM', 'SIGKILL'] as const) {
    if (await ended(child, signal, patienceMs)) return { outcome: 'undone' };
  }
  return { outcome: 'failed', why: `process ${child.pid} does not end, not even by SIGKILL` };
}

async function ended(child: ChildRecord, signal: NodeJS.Signals, deadlineMs: number): Promise<boolean> {
  try {
    if (isAlive(child)) process.kill(child.pid, signal);
  } catch {
    // It has just gone, or is not ours to end: the waiting tells.
  }
  for (const end = Date.now() + deadlineMs; isAlive(child); await setTimeout(POLL_MS)) {
    if (Date.now() > end) return false;
  }
  return true;
}

/** Nobody had a node of it open, and still the kernel waits: for who came in between, or who has just the device. */
function withSuspects(error: GpuvmError, nodes: readonly string[], sysroot: string): GpuvmError {
  const late = holdersOf((path) => nodes.includes(path), sysroot);
  const suspects = late.length > 0 ? late : holdersOfSomeDevice(sysroot);
  if (suspects.length === 0) return error;
  const names = suspects.map(({ pid, name }) => `${name} (process ${pid})`).join(', ');
  const what = late.length > 0 ? 'has it open' : 'has a VFIO device open, maybe this one';
  return new GpuvmError(error.code, `${error.message}; ${names} ${what}: end that, and the kernel goes on`, {
    cause: error,
    details: { ...error.details, suspects },
  });
}

export function sayHolders(holders: readonly Holder[]): string {
  return holders.map(({ pid, name, path }) => `${name} (process ${pid}) has ${path} open`).join(', ');
}
