import { setTimeout } from 'node:timers/promises';
import type { Finding } from '../../finding.js';
import type { Given } from './given.js';

/** One row of the table: it makes findings of the ids that it names, and of no others. */
export interface Row {
  readonly ids: readonly string[];
  run(given: Given): readonly Finding[] | Promise<readonly Finding[]>;
}

/** A check has so long; all are at work at the same time. */
const DEADLINE_MS = 25_000;

/** Every check, in the table's order. One that breaks, or does not come to an end, is a finding itself. Never rejects. */
export async function examine(
  rows: readonly Row[],
  given: Given,
  deadlineMs = DEADLINE_MS,
): Promise<Finding[]> {
  return (await Promise.all(rows.map((row) => one(row, given, deadlineMs)))).flat();
}

async function one({ ids, run }: Row, given: Given, deadlineMs: number): Promise<readonly Finding[]> {
  const id = ids[0]!;
  const ended = new AbortController();
  const late = setTimeout(deadlineMs, undefined, { signal: ended.signal }).then((): Finding[] => [
    {
      id,
      status: 'warn',
      what: 'this could not be checked in time',
      evidence: `no answer within ${deadlineMs} ms`,
      fix: 'look whether the host is overloaded or a device hangs (dmesg), then: gpuvm doctor',
    },
  ]);
  late.catch(() => {});
  try {
    // A check that breaks before its first wait is to end here, too.
    return await Promise.race([(async () => run(given))(), late]);
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    return [
      {
        id,
        status: 'warn',
        what: `this could not be checked: ${why.trim().replace(/\s*\n\s*/g, ' / ')}`,
        evidence: (error as { code?: unknown } | null)?.code?.toString() ?? 'the check itself broke',
      },
    ];
  } finally {
    ended.abort();
  }
}
