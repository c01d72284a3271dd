import { join } from 'node:path';
import type { LeftHoldings, RecoveredHoldings } from '../bpmp/worker/index.js';
import { runtimeFolder } from '../config/paths.js';

/** Gives back what guests held of the BPMP when their supervisors died: one VM's, or all. */
export async function giveBack(vm: string | undefined): Promise<RecoveredHoldings[]> {
  const { recoverHoldings } = await import('../bpmp/worker/index.js');
  return recoverHoldings(join(runtimeFolder(), 'ledgers'), vm === undefined ? {} : { vm });
}

/** What {@link giveBack} would give back. Changes nothing. */
export async function wouldGiveBack(vm: string | undefined): Promise<LeftHoldings[]> {
  const { leftHoldings } = await import('../bpmp/worker/index.js');
  const left = await leftHoldings(join(runtimeFolder(), 'ledgers'));
  return left.filter((one) => vm === undefined || one.vm === vm);
}

/** As people read it. */
export function holdingLines({ vm, release, rebooted, problem }: RecoveredHoldings): string[] {
  if (rebooted) return [`${vm}: what its guest held of the BPMP: gone with the boot, which reset the BPMP`];
  const given = release && `${release.givenBack} given back, ${release.kept} kept, ${release.failed} failed`;
  const entries = release?.entries ?? [];
  return [
    `${vm}: what its guest held of the BPMP: ${[given, problem].filter((part) => part !== undefined).join('; ')}`,
    ...entries.map(({ resource, from, to, result }) => `  ${result}: ${resource}: ${from} → ${to}`),
  ];
}

export function leftLine({ vm, count }: LeftHoldings): string {
  return `${vm}: what its guest held of the BPMP: ${count} ${count === 1 ? 'change' : 'changes'} would be given back`;
}
