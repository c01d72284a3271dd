import { join } from 'node:path';
import { runtimeFolder } from '../config/paths.js';
import { GpuvmError } from '../errors.js';

/** The folder of the VMs that root runs. */
const SYSTEM_FOLDER = '/run/gpuvm';
/** What a control socket's file is called after the VM's name. */
export const SUFFIX = '.sock';
/** As a VM file's `name` may be; no slash and no dot in front, so that a name can never leave the folder. */
const NAME = /^[A-Za-z0-9][A-Za-z0-9_.-]{0,62}$/;
/** sockaddr_un has room for so many bytes and the zero after them. */
export const MAX_SOCKET_PATH_BYTES = 107;

type Env = Readonly<Record<string, string | undefined>>;

/** Where this user's VMs have their sockets: the run-time folder. */
export function controlFolder(env: Env = process.env, uid = process.getuid!()): string {
  return runtimeFolder(env, uid);
}

/** The control socket of a VM by its name. Throws GPUVM_USAGE for what can be no VM's name. */
export function controlPath(name: string, env: Env = process.env, uid = process.getuid!()): string {
  if (!NAME.test(name)) {
    throw new GpuvmError('GPUVM_USAGE', `${JSON.stringify(name.slice(0, 80))} is no name of a VM`);
  }
  return join(controlFolder(env, uid), `${name}${SUFFIX}`);
}

/** Where a client looks, the own folder first: members of a group may use VMs that root runs. */
export function controlFolders(env: Env = process.env, uid = process.getuid!()): readonly string[] {
  const own = controlFolder(env, uid);
  return own === SYSTEM_FOLDER || env.GPUVM_RUNTIME_DIR ? [own] : [own, SYSTEM_FOLDER];
}

/** The VM's name of a file in such a folder; undefined where it is no control socket. */
export function nameOfSocket(file: string): string | undefined {
  const name = file.endsWith(SUFFIX) ? file.slice(0, -SUFFIX.length) : '';
  return NAME.test(name) ? name : undefined;
}
