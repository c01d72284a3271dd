import { join } from 'node:path';

/** Where a host's journals and locks are. */
export interface StateFolders {
  /** One file for each run that changed something; outlives a reboot. */
  readonly journal: string;
  /** One file for each device; may go with a reboot. */
  readonly locks: string;
}

/**
 * `/var/lib/gpuvm/journal` and `/run/gpuvm/locks`, below the sysroot; with a state folder (an argument, or
 * GPUVM_STATE_DIR) `journal` and `locks` in it, for whoever is not root.
 */
export function stateFolders({
  stateDir = process.env.GPUVM_STATE_DIR || undefined,
  sysroot = '/',
}: {
  readonly stateDir?: string | undefined;
  readonly sysroot?: string | undefined;
} = {}): StateFolders {
  if (stateDir !== undefined) return { journal: join(stateDir, 'journal'), locks: join(stateDir, 'locks') };
  return { journal: join(sysroot, 'var/lib/gpuvm/journal'), locks: join(sysroot, 'run/gpuvm/locks') };
}
