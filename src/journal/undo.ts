import type { Contents, Entry } from './contents.js';
import type { JournalRecord } from './record.js';
import type { UndoneStep, UndoReport } from './report.js';
import { type UndoSurroundings, unmake } from './unmake.js';
import { isHung } from './writer.js';

export interface UndoOptions {
  /** Only these; everything where it is absent. */
  readonly subjects?: readonly string[];
  /** Also what was to be left. */
  readonly left?: boolean;
}

export interface UndoParts extends Omit<UndoSurroundings, 'about' | 'waiting'> {
  readonly contents: Contents;
  /** Subjects of which nothing is to be tried, with the reason: a write to them still hangs. */
  readonly blocked?: ReadonlyMap<string, string>;
  /** Appends, and resolves when it is on the disk, unless it need not be waited for. */
  append(record: JournalRecord, wait?: boolean): Promise<void>;
}

/**
 * Undoes what is not undone yet, the newest first. Where it fails for a device, that device's earlier changes are left
 * as they are (a driver cannot be given back what VFIO still has), and all others are undone. What failed is tried once
 * more at the end: a driver may have waited for a device that came after it.
 */
export async function undoAll(
  parts: UndoParts,
  { subjects, left = false }: UndoOptions = {},
): Promise<UndoReport> {
  const chosen = parts.contents.entries.filter(
    (entry) => !entry.undone && (!subjects || subjects.includes(entry.step?.subject ?? '')),
  );
  const results = new Map<Entry, UndoneStep>();
  const stuck = new Map(parts.blocked);
  const hung = new Set(stuck.keys());
  // What hangs is not tried again, and its reason stays the one that it had.
  const isHungSubject = ({ step }: Entry) => step?.subject !== undefined && hung.has(step.subject);
  const waiting = { leftMs: parts.patienceMs };
  for (let round = 1; round <= 2; round++) {
    if (round === 2) for (const subject of [...stuck.keys()]) if (!hung.has(subject)) stuck.delete(subject);
    for (const entry of [...chosen].reverse()) {
      if (round === 2 && (results.get(entry)?.outcome !== 'failed' || isHungSubject(entry))) continue;
      const result = await undoOne(entry, parts, { left, stuck, hung, waiting });
      results.set(entry, result);
    }
    if (parts.dryRun || [...results.values()].every(({ outcome }) => outcome !== 'failed')) break;
  }
  const steps = [...results.values()];
  return { ok: steps.every(({ outcome }) => outcome !== 'failed'), steps };
}

interface Obstacles {
  readonly waiting: { leftMs: number };
  readonly left: boolean;
  readonly stuck: Map<string, string>;
  readonly hung: Set<string>;
}

async function undoOne(
  entry: Entry,
  parts: UndoParts,
  { left, stuck, hung, waiting }: Obstacles,
): Promise<UndoneStep> {
  const { id, step, child } = entry;
  const subject = step?.subject;
  const name = { id, what: step?.what ?? child!.what, ...(subject === undefined ? {} : { subject }) };
  const obstacle = subject === undefined ? undefined : stuck.get(subject);
  if (obstacle !== undefined) return { ...name, outcome: 'failed', why: obstacle };
  if (entry.settled && !left) return { ...name, outcome: 'left' };
  const about = async () =>
    parts.append({
      undo: id,
      ...writerOf(step?.kind === 'write' ? await parts.writer.prepare() : undefined),
    });
  const result = await unmake(entry, { ...parts, waiting, about }).catch((error: unknown) => {
    if (subject !== undefined && isHung(error)) hung.add(subject);
    return { outcome: 'failed' as const, why: error instanceof Error ? error.message : String(error) };
  });
  if (result.outcome === 'failed') {
    if (subject !== undefined)
      stuck.set(subject, `not tried, because what came after it could not be undone`);
    // Not waited for: whoever undoes it again looks first, and finds nothing to do.
  } else if (!parts.dryRun) await parts.append({ undone: id }, false);
  return { ...name, ...result };
}

export function writerOf<T>(writer: T | undefined): { writer?: T } {
  return writer === undefined ? {} : { writer };
}
