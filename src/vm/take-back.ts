import type { RecoveredJournal, SysfsWriter } from '../journal/index.js';

interface Place {
  readonly stateDir: string | undefined;
  readonly sysroot: string;
  readonly writer: SysfsWriter | undefined;
}

/**
 * Takes back what a supervisor of this VM that was killed has left on the host, so that it can be taken anew. What other VMs
 * left stays for `gpuvm recover`. Returns what is to be said of it; what could not be taken back the checks find again.
 */
export async function takeBack(vm: string, { stateDir, sysroot, writer }: Place): Promise<readonly string[]> {
  const { recover, stateFolders } = await import('../journal/index.js');
  const folders = stateFolders({ stateDir, sysroot });
  try {
    const { journals } = await recover({ folders, sysroot, vm, ...(writer && { writer: () => writer }) });
    return journals.flatMap(said);
  } catch {
    // Whoever cannot read the folder cannot keep a journal in it either, and is told so then.
    return [];
  }
}

function said({ state, steps, why }: RecoveredJournal): string[] {
  const undone = steps.filter(({ outcome }) => outcome === 'undone').map(({ what }) => what);
  const failed = steps.filter(({ outcome }) => outcome === 'failed');
  return [
    ...(undone.length > 0 ? [`what a killed run left was taken back: ${undone.join(', ')}`] : []),
    ...failed.map((step) => `what a killed run left was not taken back: ${step.what} (${step.why})`),
    ...(state === 'corrupt' && why !== undefined ? [why] : []),
  ];
}
