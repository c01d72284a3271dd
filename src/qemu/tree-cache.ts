import { createHash } from 'node:crypto';
import { accessSync, constants, realpathSync, statSync } from 'node:fs';
import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { release } from 'node:os';
import { delimiter, join } from 'node:path';
import { cacheFolder, type VmConfig } from '../config/index.js';
import { machineArguments } from './arguments/index.js';
import { dumpTree } from './dump-tree.js';

/** Counted up when what is kept changes. */
const FORMAT = 1;

/**
 * {@link dumpTree}'s answer, kept for the next start of the same machine on the same QEMU and kernel: asking takes QEMU as
 * long as starting does. The random seeds in it are those of the first time, and are to be replaced.
 */
export async function machineTree(
  config: VmConfig,
  path: string,
  env: NodeJS.ProcessEnv = process.env,
): Promise<Uint8Array> {
  const key = keyFor(config, env);
  if (key === undefined) return dumpTree(config, path);
  const folder = join(cacheFolder(env), 'trees');
  const kept = join(folder, `${key}.dtb`);
  try {
    return await readFile(kept);
  } catch {
    const tree = await dumpTree(config, path);
    await keep(folder, kept, tree);
    return tree;
  }
}

/** What the tree follows from: the program as it is on the disk, the kernel (KVM has a say), the arguments. */
function keyFor(config: VmConfig, env: NodeJS.ProcessEnv): string | undefined {
  const program = find(config.qemu.binary, env);
  if (program === undefined) return undefined;
  const { dev, ino, size, mtimeMs } = statSync(program);
  const identity = [FORMAT, program, dev, ino, size, mtimeMs, release(), ...machineArguments(config)];
  return createHash('sha256').update(JSON.stringify(identity)).digest('hex').slice(0, 32);
}

function find(binary: string, env: NodeJS.ProcessEnv): string | undefined {
  const folders = binary.includes('/') ? [''] : (env.PATH ?? '').split(delimiter);
  for (const folder of folders) {
    try {
      const path = realpathSync(folder === '' ? binary : join(folder, binary));
      accessSync(path, constants.X_OK);
      return path;
    } catch {}
  }
  return undefined;
}

/** A cache that cannot be written is none; a file that is only half there never has its name. */
async function keep(folder: string, path: string, tree: Uint8Array): Promise<void> {
  const partial = `${path}.${process.pid}`;
  try {
    await mkdir(folder, { recursive: true });
    await writeFile(partial, tree, { mode: 0o600 });
    await rename(partial, path);
  } catch {
    await rm(partial, { force: true }).catch(() => {});
  }
}
