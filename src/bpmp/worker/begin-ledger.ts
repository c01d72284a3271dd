import { GpuvmError } from '../../errors.js';
import type { Backend } from '../backend/index.js';
import type { Holding, ReleaseReport } from '../mediator/index.js';
import type { PolicedConfig } from './config.js';
import { cannotTakeOver } from './hand-over.js';
import { LedgerFile } from './ledger-file.js';
import { recoverLedger } from './recover.js';

export interface BegunLedger {
  readonly file: LedgerFile;
  /** What is held already: what could not be given back, or in a hand-over all of it. */
  readonly held: readonly Holding[];
  readonly recovered?: ReleaseReport;
}

/**
 * The file of a new guest's ledger. What a dead supervisor left in it is given back first; what of that fails is held on,
 * to be tried again at this guest's end. Throws GPUVM_BRIDGE where somebody still works with it.
 */
export async function beginLedger(
  path: string,
  config: PolicedConfig,
  backend: Backend,
): Promise<BegunLedger> {
  const { vm, policy } = config;
  const owner = { vm, backend: config.backend, policy };
  const old = LedgerFile.open(path);
  if (old === undefined) return { file: LedgerFile.create(path, owner), held: [] };
  const isSameBpmp = JSON.stringify(old.owner.backend) === JSON.stringify(config.backend);
  const { problem, release } = await recoverLedger(old, isSameBpmp ? { backend } : {});
  if (release === undefined) {
    throw new GpuvmError('GPUVM_BRIDGE', `${problem}: end it first, or give this VM another name`);
  }
  const file = LedgerFile.create(path, owner);
  const failed = release.failed > 0 && isSameBpmp ? old.records.held() : [];
  for (const holding of failed) file.records.hold(holding);
  return { file, held: failed, ...(release.entries.length > 0 && { recovered: release }) };
}

/** The ledger of a guest that goes on under this process. Throws GPUVM_HAND_OVER where it is gone. */
export function takeOverLedger(path: string): BegunLedger {
  const file = LedgerFile.open(path);
  if (file === undefined) {
    throw cannotTakeOver(`its ledger ${path} is gone, so that what it holds is not known`);
  }
  file.takeOver();
  return { file, held: file.records.found };
}
