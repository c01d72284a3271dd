import { homedir } from 'node:os';
import { isAbsolute, join } from 'node:path';

/** Where reports go: the state folder that was asked for, or the first of the usual ones that can be written to. */
export function stateFoldersToTry(
  stateDir: string | undefined,
  env: NodeJS.ProcessEnv = process.env,
): string[] {
  const asked = stateDir ?? (env.GPUVM_STATE_DIR || undefined);
  if (asked !== undefined) return [asked];
  const own = env.XDG_STATE_HOME;
  return ['/var/lib/gpuvm', join(own && isAbsolute(own) ? own : join(homedir(), '.local/state'), 'gpuvm')];
}
