import { homedir, tmpdir } from 'node:os';
import { dirname, isAbsolute, join, resolve } from 'node:path';
import { nearest } from '../nearest.js';

/** gpuvm's cache folder: what `scripts/setup` and the programs fetch or build once. */
export function cacheFolder(env: NodeJS.ProcessEnv = process.env): string {
  const base = env.XDG_CACHE_HOME;
  // A relative XDG path is to be ignored, says its specification.
  return join(base && isAbsolute(base) ? base : join(homedir(), '.cache'), 'gpuvm');
}

/**
 * Where this user's running VMs have what goes with a reboot, sockets and ledgers: `/run/gpuvm` for root,
 * `$XDG_RUNTIME_DIR/gpuvm` for others, a folder of their own in the temporary one where there is none. GPUVM_RUNTIME_DIR
 * names another one.
 */
export function runtimeFolder(
  env: Readonly<Record<string, string | undefined>> = process.env,
  uid = process.getuid!(),
): string {
  const own = env.GPUVM_RUNTIME_DIR;
  if (own && isAbsolute(own)) return own;
  if (uid === 0) return '/run/gpuvm';
  const runtime = env.XDG_RUNTIME_DIR;
  return runtime && isAbsolute(runtime) ? join(runtime, 'gpuvm') : join(tmpdir(), `gpuvm-${uid}`);
}

/** What `${…}` may name in a VM file. */
export interface Variables {
  readonly cache: string;
  /** The folder of the VM file. */
  readonly here: string;
}

export function variablesFor(file: string, env?: NodeJS.ProcessEnv): Variables {
  return { cache: cacheFolder(env), here: dirname(resolve(file)) };
}

/** Puts in the variables; a name that is none is handed to `mistake`, and stays as it is. */
export function expandVariables(
  text: string,
  variables: Variables,
  mistake: (message: string) => void,
): string {
  return text.replace(/\$\{([^}]*)\}/g, (whole, name: string) => {
    if (name === 'cache' || name === 'here') return variables[name];
    const meant = nearest(name, Object.keys(variables));
    const known = Object.keys(variables).map((variable) => `\${${variable}}`);
    const hint = meant ? `: did you mean \${${meant}}?` : ` (there are ${known.join(' and ')})`;
    mistake(`${whole} is not known${hint}`);
    return whole;
  });
}

/** An absolute path: variables and `~` put in, relative to the VM file's folder. */
export function expandPath(text: string, variables: Variables, mistake: (message: string) => void): string {
  const path = expandVariables(text, variables, mistake);
  if (path === '~' || path.startsWith('~/')) return join(homedir(), path.slice(1));
  return resolve(variables.here, path);
}

/** A program: a bare name is left for the PATH to find, anything else is a path. */
export function expandProgram(
  text: string,
  variables: Variables,
  mistake: (message: string) => void,
): string {
  return /[/~$]/.test(text) ? expandPath(text, variables, mistake) : text;
}
