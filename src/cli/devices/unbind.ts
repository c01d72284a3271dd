import { ExitStatus, GpuvmError } from '../../errors.js';
import {
  DeviceLocks,
  Journal,
  type JournalSummary,
  journalsOf,
  type UndoneStep,
} from '../../journal/index.js';
import type { Call } from '../command.js';
import type { Context } from '../context.js';
import { stepLine } from '../recover.js';
import { type Place, placeOf } from './place.js';

export async function run(call: Call, { stdout, stderr, json }: Context): Promise<number> {
  const place = placeOf(call);
  const journals = journalsOf(place.folders.journal, place.sysroot);
  const kept = journals.filter(({ state }) => state === 'kept');
  for (const name of call.args) requireKept(name, kept, journals);
  const steps: UndoneStep[] = [];
  // The newest journal first, as everything else is undone.
  for (const journal of kept.reverse()) steps.push(...(await giveBack(journal, call.args, place)));
  const ok = steps.every(({ outcome }) => outcome !== 'failed');
  if (json) stdout.json({ ok, steps });
  else if (steps.length === 0) stderr.line('gpuvm: there is nothing to give back');
  else for (const step of steps) stdout.line(stepLine(step));
  return ok ? 0 : ExitStatus.OS;
}

async function giveBack(
  journal: JournalSummary,
  names: readonly string[],
  place: Place,
): Promise<UndoneStep[]> {
  const { sysroot, folders } = place;
  const chosen = journal.subjects.filter(
    (subject) => names.length === 0 || names.some((name) => isOf(subject, name)),
  );
  if (chosen.length === 0) return [];
  const locks = await DeviceLocks.acquire(chosen, { folder: folders.locks, vm: journal.vm });
  try {
    const adopted = await Journal.adopt(journal.file, { sysroot });
    if (!adopted) throw new GpuvmError('GPUVM_LOCKED', `another gpuvm is at work on ${journal.file}`);
    const { steps } = await adopted.undo({ subjects: chosen, left: true });
    await adopted.keep('bound by gpuvm devices bind');
    return [...steps];
  } finally {
    await locks.release();
  }
}

/** Throws where there is no record of how the device was before, with who has it. */
function requireKept(name: string, kept: readonly JournalSummary[], all: readonly JournalSummary[]): void {
  const names = ({ subjects }: JournalSummary) => subjects.some((subject) => isOf(subject, name));
  if (kept.some(names)) return;
  const other = all.find(names);
  if (other?.state === 'alive')
    throw new GpuvmError('GPUVM_LOCKED', `${name} is taken by VM ${other.vm}: gpuvm stop ${other.vm}`);
  if (other)
    throw new GpuvmError('GPUVM_DEVICE', `${name} was left by ${other.vm}, which was killed: gpuvm recover`);
  throw new GpuvmError(
    'GPUVM_DEVICE',
    `there is no record of ${name} since the last boot: gpuvm devices bind did not take it, or it was with VFIO before`,
  );
}

function isOf(subject: string, name: string): boolean {
  return subject.slice(subject.indexOf('/') + 1) === name;
}
