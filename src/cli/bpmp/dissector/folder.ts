import { execFile } from 'node:child_process';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { GpuvmError } from '../../../errors.js';

/** tshark tells it in no time, or not at all. */
const DEADLINE_MS = 30_000;

/** A line of `tshark -G folders`: what the folder is for, and where it is. */
const lines = { personal: 'Personal Lua Plugins', system: 'Global Lua Plugins' } as const;

export interface Folder {
  readonly path: string;
  /** Whether Wireshark itself said so. */
  readonly isTold: boolean;
}

/** Where Wireshark looks for Lua plugins: the user's own, or everybody's. Throws GPUVM_FILE where nobody knows. */
export async function pluginFolder(whose: keyof typeof lines, env = process.env): Promise<Folder> {
  const told = await folders(env);
  const line = told?.split('\n').find((text) => text.startsWith(`${lines[whose]}:`));
  const path = line?.slice(line.indexOf(':') + 1).trim();
  if (path) return { path, isTold: true };
  if (whose === 'personal')
    return { path: join(env.HOME ?? homedir(), '.local/lib/wireshark/plugins'), isTold: false };
  throw new GpuvmError(
    'GPUVM_FILE',
    "there is no tshark that tells where everybody's Lua plugins are: write the file there with -o FILE",
  );
}

/** What tshark says of its folders; undefined where there is none. */
function folders(env: NodeJS.ProcessEnv): Promise<string | undefined> {
  return new Promise((resolve) => {
    const options = { env: { ...env, LC_ALL: 'C.UTF-8' }, timeout: DEADLINE_MS };
    execFile('tshark', ['-G', 'folders'], options, (error, stdout) => resolve(error ? undefined : stdout));
  });
}
