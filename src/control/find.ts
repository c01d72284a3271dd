import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { GpuvmError } from '../errors.js';
import { ControlClient } from './client.js';
import { controlFolder, controlFolders, controlPath, SUFFIX } from './path.js';
import { answers, removeDead } from './socket-file.js';
import { namesIn, socketsIn } from './sockets.js';
import { absent, stale, unreachableFolder } from './unreachable.js';
import type { VmStatus } from './vm.js';

/** A VM that is listed should answer at once. */
const LIST_MS = 3_000;

type Env = Readonly<Record<string, string | undefined>>;

/**
 * The client of a VM by its name: this user's own, else one that root runs. Throws GPUVM_VM_ABSENT with the nearest name
 * where there is none.
 */
export async function findVm(name: string, env: Env = process.env): Promise<ControlClient> {
  controlPath(name, env);
  const folders = controlFolders(env);
  const found = (await socketsIn(folders)).filter((socket) => socket.name === name);
  // A folder that may not be listed can still hold it.
  const places =
    found.length > 0
      ? found.map(({ path }) => path)
      : folders.map((folder) => join(folder, `${name}${SUFFIX}`));
  for (const path of places) {
    // One that this user may not use answers too, in that its own error says why.
    if (await answers(path)) return new ControlClient({ path });
  }
  if (found.length > 0) throw stale(name, found[0]!.path);
  throw absent(name, await namesIn(folders));
}

/** A control socket, with the VM's status or why there is none. */
export type ListedVm = { readonly name: string; readonly path: string } & (
  | { readonly status: VmStatus }
  | { readonly problem: GpuvmError }
);

export interface VmList {
  readonly vms: readonly ListedVm[];
  /** For each folder whose VMs this user may not see, an error that says so. */
  readonly barred: readonly GpuvmError[];
}

/** All VMs of whose sockets this user can know, by name; those that cannot be asked too, with the reason. */
export async function listVms(env: Env = process.env): Promise<VmList> {
  const folders = controlFolders(env);
  const vms = (await socketsIn(folders)).map(async ({ name, path }) => {
    try {
      return { name, path, status: await new ControlClient({ path, deadlineMs: LIST_MS }).status() };
    } catch (problem) {
      if (!GpuvmError.is(problem)) throw problem;
      return { name, path, problem };
    }
  });
  const barred = folders.map(async (folder) =>
    (await readdir(folder).catch((error: NodeJS.ErrnoException) => error.code)) === 'EACCES'
      ? [await unreachableFolder(folder)]
      : [],
  );
  return { vms: await Promise.all(vms), barred: (await Promise.all(barred)).flat() };
}

/** Takes away the sockets that dead supervisors of this user left: one VM's, or all. Returns their paths. */
export async function clearSockets(
  vm: string | undefined,
  env: Env = process.env,
): Promise<readonly string[]> {
  const removed: string[] = [];
  for (const { name, path } of await socketsIn([controlFolder(env)]))
    if ((vm === undefined || name === vm) && (await removeDead(path))) removed.push(path);
  return removed;
}
