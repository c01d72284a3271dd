import { homedir } from 'node:os';
import { isAbsolute, join } from 'node:path';

/** Where reports and ledgers go: the state folder that was asked for, or the first of the usual ones that can be written to. */
export function stateFoldersToTry(
  stateDir: string | undefined,
  env: NodeJS.ProcessEnv = process.env,
): string[] {
  const asked = stateDir ?? (env.GPUVM_STATE_DIR || undefined);
  if (asked !== undefined) return [asked];
  const own = env.XDG_STATE_HOME;
  return ['/var/lib/gpuvm', join(own && isAbsolute(own) ? own : join(homedir(), '.local/state'), 'gpuvm')];
}

/** The one that is ours: root's, or our own. */
export function stateFolder(stateDir: string | undefined, env: NodeJS.ProcessEnv = process.env): string {
  const [first, second = first] = stateFoldersToTry(stateDir, env);
  return process.geteuid?.() === 0 ? first! : second!;
}
