import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Contents } from './contents.js';
import { isJournalName } from './held.js';
import { bootId, isAlive } from './identity.js';
import { parseJournal } from './record.js';

/** A journal as it lies there. */
export interface JournalSummary {
  readonly file: string;
  readonly vm: string;
  /** `alive`: its owner runs. `kept`: its changes are meant to stay. `abandoned`: `recover` has work here. */
  readonly state: 'alive' | 'kept' | 'abandoned';
  /** What it has changed and not put back. */
  readonly subjects: readonly string[];
}

/** The journals of this boot that can be read; none where there is no such folder. Reads only. */
export function journalsOf(folder: string, sysroot = '/'): JournalSummary[] {
  const boot = bootId(sysroot) ?? '';
  return namesIn(folder)
    .filter(isJournalName)
    .flatMap((name): JournalSummary[] => {
      const file = join(folder, name);
      try {
        const { header, records } = parseJournal(file, readFileSync(file));
        if (!header || header.boot !== boot) return [];
        const { owner, kept, entries } = new Contents(header, records);
        const open = entries.filter(({ undone, settled }) => !undone && !settled);
        const subjects = [...new Set(open.flatMap(({ step }) => step?.subject ?? []))];
        const state = isAlive(owner) ? 'alive' : kept === undefined ? 'abandoned' : 'kept';
        return [{ file, vm: header.vm, state, subjects }];
      } catch {
        return [];
      }
    });
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder).sort();
  } catch {
    return [];
  }
}
