import { readdirSync, readFileSync, renameSync, unlinkSync } from 'node:fs';
import { basename, join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { GpuvmError } from '../errors.js';
import { Contents } from './contents.js';
import type { JournalDisk } from './disk.js';
import type { StateFolders } from './folders.js';
import { hold, isBeginningName, isJournalName } from './held.js';
import { isAlive } from './identity.js';
import { Journal, sameBoot, stillHangs } from './journal.js';
import { DeviceLocks } from './lock.js';
import { closeLocked } from './locked-file.js';
import { parseJournal } from './record.js';
import type { UndoneStep, UndoReport } from './report.js';
import { undoAll } from './undo.js';
import type { SysfsWriter } from './writer.js';

export interface RecoverOptions {
  readonly folders: StateFolders;
  readonly sysroot?: string;
  /** Say what would be undone, and change nothing. */
  readonly dryRun?: boolean;
  /** VMs whose changes are undone although they were meant to stay; `true` for all. */
  readonly force?: boolean | readonly string[];
  /** Only this VM's. */
  readonly vm?: string;
  /** Default: a child process with a deadline, one for each journal. */
  readonly writer?: () => SysfsWriter;
  readonly disk?: JournalDisk;
  /** How long to wait for a write that is still under way, for a device to be closed, for a process to end. Default: 10 s. */
  readonly patienceMs?: number;
}

/** What became of one journal. */
export interface RecoveredJournal {
  readonly file: string;
  readonly vm: string;
  readonly state:
    | /** Everything is as it was; the journal is gone. */ 'recovered'
    | /** Something could not be undone; the journal stays. */ 'incomplete'
    | /** Its owner lives: nothing was done. */ 'alive'
    | /** Its changes are meant to stay: nothing was done. */ 'kept'
    | /** Another gpuvm is at work on it: nothing was done. */ 'busy'
    | /** A living VM has one of its devices: nothing was done. */ 'locked'
    | /** It cannot be read, and was set aside. */ 'corrupt';
  readonly why?: string;
  /** There was a reboot since: what sysfs held is gone with it. */
  readonly rebooted: boolean;
  readonly steps: readonly UndoneStep[];
}

export interface RecoverReport {
  /** Nothing is left to do. */
  readonly ok: boolean;
  readonly dryRun: boolean;
  readonly journals: readonly RecoveredJournal[];
}

const PATIENCE_MS = 10_000;
const POLL_MS = 10;

/**
 * Puts the host right after runs that could not do it themselves: undoes every journal whose owner is gone. It may be
 * killed and run again at any time, and run beside others. Throws GPUVM_JOURNAL where the folder cannot be read.
 */
export async function recover(options: RecoverOptions): Promise<RecoverReport> {
  const { folders, dryRun = false } = options;
  const journals: RecoveredJournal[] = [];
  for (const name of namesIn(folders.journal)) {
    const path = join(folders.journal, name);
    if (isBeginningName(name)) await clearBeginning(path, dryRun);
    else if (isJournalName(name)) journals.push(...(await recoverJournal(path, options)));
  }
  const bad = ['incomplete', 'corrupt'];
  return { ok: journals.every(({ state }) => !bad.includes(state)), dryRun, journals };
}

async function recoverJournal(path: string, options: RecoverOptions): Promise<RecoveredJournal[]> {
  const { sysroot = '/', dryRun = false, patienceMs = PATIENCE_MS } = options;
  let contents: Contents;
  try {
    const found = readContents(path);
    if (!found) return [];
    contents = found;
  } catch (error) {
    if (!GpuvmError.is(error, 'GPUVM_JOURNAL')) throw error;
    if (options.vm !== undefined && nameOf(options.vm) !== vmOfName(path)) return [];
    return [await setAside(path, error, dryRun)];
  }
  const { header, owner } = contents;
  const rebooted = !sameBoot(header, sysroot);
  const about = { file: path, vm: header.vm, rebooted };
  if (options.vm !== undefined && options.vm !== header.vm) return [];
  if (!rebooted && isAlive(owner)) {
    return [{ ...about, state: 'alive', why: `process ${owner.pid} of ${header.vm} is running`, steps: [] }];
  }
  // A reboot undid what sysfs held, whoever meant it to stay.
  if (contents.kept !== undefined && !rebooted && !forced(header.vm, options)) {
    return [{ ...about, state: 'kept', why: contents.kept, steps: [] }];
  }
  if (dryRun) return [await preview(contents, about, sysroot)];
  let locks: DeviceLocks | undefined;
  let journal: Journal | undefined;
  try {
    if (!rebooted)
      locks = await DeviceLocks.acquire(subjectsOf(contents), {
        folder: options.folders.locks,
        vm: header.vm,
      });
    const { writer, disk } = options;
    journal = await Journal.adopt(path, {
      sysroot,
      patienceMs,
      ...(writer ? { writer: writer() } : {}),
      ...(disk ? { disk } : {}),
    });
    if (!journal) return [{ ...about, state: 'busy', why: 'another gpuvm is at work on it', steps: [] }];
    const blocked = rebooted ? new Map<string, string>() : await writesUnderWay(journal.contents, patienceMs);
    const report = await journal.undo({}, { blocked });
    return [{ ...about, state: report.ok ? 'recovered' : 'incomplete', steps: report.steps }];
  } catch (error) {
    if (!GpuvmError.is(error, 'GPUVM_LOCKED')) throw error;
    return [{ ...about, state: 'locked', why: error.message, steps: [] }];
  } finally {
    await journal?.close();
    await locks?.release();
  }
}

/**
 * Writes of a dead owner that its child process still makes. One that does not end in time hangs in the kernel: what it
 * was to change cannot be put right before it comes back.
 */
async function writesUnderWay(contents: Contents, patienceMs: number): Promise<Map<string, string>> {
  const blocked = new Map<string, string>();
  const end = Date.now() + patienceMs;
  for (const { process, entry } of contents.writers.values()) {
    while (isAlive(process) && Date.now() < end) await setTimeout(POLL_MS);
    if (!isAlive(process)) continue;
    const step = contents.entries.find(({ id }) => id === entry)?.step;
    blocked.set(step?.subject ?? entry, stillHangs(process));
  }
  return blocked;
}

async function preview(
  contents: Contents,
  about: Pick<RecoveredJournal, 'file' | 'vm' | 'rebooted'>,
  sysroot: string,
): Promise<RecoveredJournal> {
  const report: UndoReport = await undoAll({
    contents,
    sysroot,
    writer: noWriter,
    sameBoot: !about.rebooted,
    dryRun: true,
    // Where a write still hangs, the kernel may keep whoever looks.
    blocked: about.rebooted ? new Map() : await writesUnderWay(contents, 0),
    predicted: new Map(),
    patienceMs: 0,
    append: async () => undefined,
  });
  return { ...about, state: report.ok ? 'recovered' : 'incomplete', steps: report.steps };
}

const noWriter: SysfsWriter = {
  prepare: async () => undefined,
  write: async () => {
    throw new GpuvmError('GPUVM_INTERNAL', 'a dry run wrote to the host');
  },
  close: () => undefined,
};

/** A journal that was being begun: it has no changes. Left alone where its maker lives. */
async function clearBeginning(path: string, dryRun: boolean): Promise<void> {
  const held = dryRun ? undefined : await hold(path);
  if (!held) return;
  unlinkSync(path);
  await closeLocked(held.file);
}

async function setAside(path: string, error: GpuvmError, dryRun: boolean): Promise<RecoveredJournal> {
  const about = { file: path, vm: vmOfName(path), rebooted: false, steps: [] };
  const held = await hold(path);
  if (!held) return { ...about, state: 'busy', why: 'another gpuvm is at work on it' };
  const aside = `${path}.corrupt`;
  // Never over another one that was set aside: the name has the owner's pid and start time.
  if (!dryRun) renameSync(path, aside);
  await closeLocked(held.file);
  const note = dryRun
    ? 'would be set aside'
    : `set aside as ${aside}; what it names must be put back by hand`;
  return { ...about, state: 'corrupt', why: `${error.message}: ${note}` };
}

/** As `Journal.open` has it in a file's name. */
function nameOf(vm: string): string {
  return vm.replace(/[^\w.-]/g, '_');
}

/** `gpu-vm` for `…/gpu-vm-4711-8899.ndjson`. */
function vmOfName(path: string): string {
  return basename(path).replace(/-\d+-\d+(-\d+)?\.ndjson$/, '');
}

function readContents(path: string): Contents | undefined {
  let bytes: Uint8Array;
  try {
    bytes = readFileSync(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw cannotRead(path, error);
  }
  const { header, records } = parseJournal(path, bytes);
  if (!header)
    throw new GpuvmError('GPUVM_JOURNAL', 'this has no whole header', { place: { file: path, line: 1 } });
  return new Contents(header, records);
}

function subjectsOf({ entries }: Contents): string[] {
  const open = entries.filter(({ undone, settled }) => !undone && !settled);
  return [...new Set(open.flatMap(({ step }) => step?.subject ?? []))];
}

function forced(vm: string, { force = false }: RecoverOptions): boolean {
  return typeof force === 'boolean' ? force : force.includes(vm);
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder).sort();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw cannotRead(folder, error);
  }
}

function cannotRead(path: string, error: unknown): GpuvmError {
  const { code } = error as NodeJS.ErrnoException;
  return new GpuvmError('GPUVM_FILE', `cannot read ${path}: ${code}; run as root, or give --state-dir`, {
    cause: error,
  });
}
