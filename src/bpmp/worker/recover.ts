import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { GpuvmError } from '../../errors.js';
import { type Backend, createBackend } from '../backend/index.js';
import { Ledger, parentsOf, type ReleaseReport, releaseLedger } from '../mediator/index.js';
import { type CompiledPolicy, parsePolicy } from '../policy/index.js';
import { LedgerFile } from './ledger-file.js';

/** What became of one ledger whose supervisor is gone. */
export interface RecoveredHoldings {
  readonly vm: string;
  readonly file: string;
  /** What was given back; absent where the ledger was left alone. */
  readonly release?: ReleaseReport;
  /** It was of an earlier boot, whose end reset the BPMP: it was removed, and nothing was sent. */
  readonly rebooted?: true;
  /** Why it was left alone, or is still there: one line. */
  readonly problem?: string;
}

export interface RecoverOptions {
  /** How long one step may take, in ms; 2000. */
  readonly stepDeadlineMs?: number;
  /** Give back although the VMM of its guest is still there: whatever that guest does next finds its clocks off. */
  readonly force?: boolean;
  /** Where to give back; what the ledger names, unless told. It stays the caller's. */
  readonly backend?: Backend;
}

/** The name of a VM's ledger in its folder. */
export const LEDGER_NAME = 'ledger';

/**
 * Gives back what dead supervisors' guests held of the BPMP: every `FOLDER/VM/ledger`. A ledger that somebody works with
 * is left alone. Never rejects for one of them; see `problem`.
 * @param folder - `/run/gpuvm`
 */
export async function recoverHoldings(
  folder: string,
  options: RecoverOptions & { readonly vm?: string } = {},
): Promise<RecoveredHoldings[]> {
  const recovered: RecoveredHoldings[] = [];
  for (const vm of options.vm === undefined ? foldersIn(folder) : [options.vm]) {
    const file = join(folder, vm, LEDGER_NAME);
    try {
      const ledger = LedgerFile.open(file);
      if (ledger !== undefined) recovered.push(await recoverLedger(ledger, options));
    } catch (error) {
      recovered.push({ vm, file, problem: (error as Error).message });
    }
  }
  return recovered;
}

/** A ledger that nobody works with any more, and in which something is still held. */
export interface LeftHoldings {
  readonly vm: string;
  readonly file: string;
  readonly count: number;
}

/** What {@link recoverHoldings} would give back; changes nothing. A ledger that cannot be read throws GPUVM_FILE. */
export async function leftHoldings(folder: string): Promise<LeftHoldings[]> {
  return foldersIn(folder).flatMap((vm): LeftHoldings[] => {
    const ledger = LedgerFile.open(join(folder, vm, LEDGER_NAME));
    if (ledger === undefined || ledger.isOfEarlierBoot || ledger.user() !== undefined) return [];
    const count = ledger.records.found.length;
    return count === 0 ? [] : [{ vm: ledger.owner.vm, file: ledger.path, count }];
  });
}

/**
 * Gives back what one ledger holds, the newest change first, and removes it when nothing is left. One of an earlier boot
 * is only removed: what it would give back is somebody else's by now, or off.
 */
export async function recoverLedger(
  file: LedgerFile,
  { stepDeadlineMs = 2000, force = false, backend }: RecoverOptions = {},
): Promise<RecoveredHoldings> {
  const { vm, backend: config, policy: source } = file.owner;
  const about = { vm, file: file.path };
  if (file.isOfEarlierBoot) {
    file.remove();
    return { ...about, release: NOTHING_RELEASED, rebooted: true };
  }
  const user = file.user();
  if (user !== undefined && !(force && user.what === 'guest')) {
    const why = user.what === 'supervisor' ? 'its supervisor' : "its guest's VMM";
    return { ...about, problem: `the ledger of ${vm} is in use: ${why} (pid ${user.pid}) is running` };
  }
  const { found, damaged } = file.records;
  const to = found.length === 0 ? undefined : (backend ?? createBackend(config));
  try {
    const ledger = new Ledger(file.records, found);
    const release =
      to === undefined
        ? NOTHING_RELEASED
        : await releaseLedger(ledger, await policyOf(source, to), to, stepDeadlineMs);
    const broken = damaged === 0 ? [] : [`${damaged} of its records are damaged and were left alone`];
    if (release.failed > 0) {
      const again = `${release.failed} could not be given back: run gpuvm recover again, or reset the host`;
      return { ...about, release, problem: [again, ...broken].join('; ') };
    }
    file.remove();
    return { ...about, release, ...(damaged > 0 && { problem: broken[0] as string }) };
  } finally {
    if (backend === undefined) await to?.close();
  }
}

export const NOTHING_RELEASED: ReleaseReport = { entries: [], givenBack: 0, kept: 0, failed: 0 };

/** The policy under which it came to be held: which parents may be switched off is for it to say. */
async function policyOf(
  { file, text }: { readonly file: string; readonly text: string },
  backend: Backend,
): Promise<CompiledPolicy> {
  const policy = parsePolicy(text, { file });
  const { grantedClocks, chip } = policy.compile();
  return policy.compile({
    sharedParents: { clocks: await parentsOf(grantedClocks, backend, chip.clocks.maxId) },
  });
}

function foldersIn(folder: string): string[] {
  try {
    const entries = readdirSync(folder, { withFileTypes: true });
    return entries.filter((entry) => entry.isDirectory()).map(({ name }) => name);
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw new GpuvmError('GPUVM_FILE', `${folder}: ${(cause as Error).message}`, { cause });
  }
}
