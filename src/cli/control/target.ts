import { readFile, stat } from 'node:fs/promises';
import { ControlClient, findVm } from '../../control/index.js';
import { GpuvmError } from '../../errors.js';

/** A running VM as it is named on a command line. */
export interface Target {
  readonly name: string;
  readonly client: ControlClient;
}

/** A VM by its name, by its VM file, or by the path of its control socket. Throws GPUVM_VM_ABSENT where it does not run. */
export async function targetOf(word: string, env = process.env): Promise<Target> {
  if (!looksLikeFile(word)) return { name: word, client: await findVm(word, env) };
  if (word.endsWith('.sock') || (await stat(word).catch(() => undefined))?.isSocket()) {
    const client = new ControlClient({ path: word });
    return { name: (await client.status()).name, client };
  }
  const { name, socket } = await namesOf(word);
  return {
    name,
    client: socket === undefined ? await findVm(name, env) : new ControlClient({ path: socket }),
  };
}

/** No VM's name has a slash, and nobody gives one the ending of a YAML file. */
function looksLikeFile(word: string): boolean {
  return word.includes('/') || /\.ya?ml$/.test(word);
}

interface Names {
  readonly name: string;
  readonly socket?: string;
}

async function namesOf(file: string): Promise<Names> {
  // The schema takes longer to load than everything else here; a name needs none of it.
  const { loadVmFile } = await import('../../config/index.js');
  try {
    const config: { name: string; control?: { socket?: string } } = await loadVmFile(file);
    return { name: config.name, socket: config.control?.socket };
  } catch (error) {
    // A VM that runs is to be reached however its file has been changed since.
    const name = GpuvmError.is(error, 'GPUVM_CONFIG') ? await nameIn(file) : undefined;
    if (name === undefined) throw error;
    return { name };
  }
}

async function nameIn(file: string): Promise<string | undefined> {
  const { parse } = await import('yaml');
  try {
    const value: unknown = parse(await readFile(file, 'utf8'));
    const { name } = (value ?? {}) as { name?: unknown };
    return typeof name === 'string' ? name : undefined;
  } catch {
    return undefined;
  }
}
