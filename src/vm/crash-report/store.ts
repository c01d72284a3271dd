import { mkdir, readdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { GpuvmError } from '../../errors.js';
import type { CrashReport } from './report.js';
import { crashText } from './text.js';

/** How many reports of one VM are kept; a VM that fails for days must not fill a disk. */
const KEPT = 10;

export interface StoredReport {
  readonly text: string;
  readonly json: string;
}

/** Writes both files and removes the VM's oldest ones. Throws GPUVM_FILE where no folder takes them. */
export async function storeReport(report: CrashReport, folders: readonly string[]): Promise<StoredReport> {
  let cause: unknown;
  for (const state of folders) {
    const folder = join(state, 'reports');
    const name = `${report.vm}-${report.ended.replace(/[:.]/g, '-')}`;
    const stored = { text: join(folder, `${name}.txt`), json: join(folder, `${name}.json`) };
    try {
      // A guest's requests and its console are nobody else's business.
      await mkdir(folder, { recursive: true, mode: 0o700 });
      await writeFile(stored.json, `${JSON.stringify(report, jsonValue, 2)}\n`, { mode: 0o600 });
      await writeFile(stored.text, crashText(report), { mode: 0o600 });
      await removeOld(folder, report.vm);
      return stored;
    } catch (error) {
      cause = error;
    }
  }
  throw new GpuvmError('GPUVM_FILE', `the crash report cannot be written: ${(cause as Error).message}`, {
    cause,
  });
}

async function removeOld(folder: string, vm: string): Promise<void> {
  // The time at the end has one length, so that "kite" and "kite-2" are told apart.
  const own = (name: string) => /^-\d{4}-\d\d-\d\dT[\d-]+Z\.(json|txt)$/.test(name.slice(vm.length));
  const names = (await readdir(folder)).filter((name) => name.startsWith(vm) && own(name)).sort();
  const stems = [...new Set(names.map((name) => name.replace(/\.\w+$/, '')))];
  const old = new Set(stems.slice(0, -KEPT));
  for (const name of names) {
    if (old.has(name.replace(/\.\w+$/, ''))) await rm(join(folder, name), { force: true });
  }
}

function jsonValue(_key: string, value: unknown): unknown {
  return typeof value === 'bigint' ? `0x${value.toString(16)}` : value;
}
