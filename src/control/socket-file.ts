import { rmSync, statSync } from 'node:fs';
import { chmod, chown, link, lstat, mkdtemp, rename, rm } from 'node:fs/promises';
import { connect, type Server } from 'node:net';
import { dirname, join } from 'node:path';
import { GpuvmError } from '../errors.js';
import { prepareFolder } from './folder.js';
import { MAX_SOCKET_PATH_BYTES } from './path.js';

/** A supervisor answers a connection in its kernel; only a machine at its limits takes longer. */
const PROBE_MS = 2_000;
/** How often a socket may appear between our look and our step before we give up. */
const ATTEMPTS = 5;
/** mkdtemp adds six characters. */
const NURSERY = '.new-';
const SOCKET = 's';
const NURSERY_EXAMPLE = join(`${NURSERY}XXXXXX`, SOCKET);

export interface SocketFileOptions {
  readonly path: string;
  readonly mode: number;
  /** The group that may use it beside its owner. */
  readonly gid: number | undefined;
  /** Who answers on a path that is taken, for the message: a process id where it can be had. */
  whoServes(path: string): Promise<number | undefined>;
}

/**
 * Has `server` listen on a path that nobody can use before it has its rights: the socket is made in a private folder, gets
 * its group and mode, and is linked to its place, which never takes another's. What a dead supervisor left there goes.
 * Returns what takes the path away again, if it is still ours. Throws GPUVM_VM_PRESENT where somebody listens on it.
 */
export async function listenOn(server: Server, options: SocketFileOptions): Promise<() => void> {
  const { path, mode, gid } = options;
  checkLength(path);
  const folder = dirname(path);
  await prepareFolder(folder, gid);
  try {
    const nursery = await mkdtemp(join(folder, NURSERY));
    const made = join(nursery, SOCKET);
    try {
      await listen(server, made);
      if (gid !== undefined) await chown(made, -1, gid);
      await chmod(made, mode);
      await take(made, options);
    } finally {
      await rm(nursery, { recursive: true, force: true });
    }
  } catch (cause) {
    server.close();
    if (GpuvmError.is(cause)) throw cause;
    throw new GpuvmError('GPUVM_CONTROL', `the control socket ${path} cannot be made: ${whyNot(cause)}`, {
      cause,
    });
  }
  return removerOf(path);
}

function listen(server: Server, path: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(path, () => {
      server.off('error', reject);
      resolve();
    });
  });
}

/** Gives the socket its name. A link fails where something has that name, so no two supervisors ever share one. */
async function take(made: string, { path, whoServes }: SocketFileOptions): Promise<void> {
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    try {
      return await link(made, path);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    }
    const there = await lstat(path).catch(() => undefined);
    if (!there) continue;
    if (!there.isSocket()) {
      throw new GpuvmError('GPUVM_CONTROL', `${path} is no socket: move it away, or change control.socket`);
    }
    if (await answers(path)) {
      const pid = await whoServes(path);
      const whose = pid === undefined ? 'another supervisor' : `the supervisor with process id ${pid}`;
      throw new GpuvmError('GPUVM_VM_PRESENT', `${path} is in use by ${whose}: this VM runs already`, {
        details: { path, ...(pid === undefined ? {} : { pid }) },
      });
    }
    await putAside(path, there.ino, `${made}.stale`);
  }
  throw new GpuvmError('GPUVM_CONTROL', `${path} keeps appearing: several supervisors start at once`);
}

/** Moves a stale socket away; one that another supervisor has put there in the meantime goes back. */
async function putAside(path: string, ino: number, aside: string): Promise<void> {
  await rm(aside, { force: true });
  try {
    await rename(path, aside);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return;
    throw error;
  }
  if ((await lstat(aside)).ino !== ino) await link(aside, path).catch(() => undefined);
}

/** Whether anybody listens on a socket; one that cannot be asked counts as alive. */
export function answers(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(path);
    const settle = (alive: boolean) => {
      socket.destroy();
      resolve(alive);
    };
    socket.setTimeout(PROBE_MS, () => settle(true));
    socket.once('connect', () => settle(true));
    socket.once('error', ({ code }: NodeJS.ErrnoException) =>
      settle(code !== 'ECONNREFUSED' && code !== 'ENOENT'),
    );
  });
}

function removerOf(path: string): () => void {
  const { ino } = statSync(path);
  return () => {
    try {
      if (statSync(path).ino === ino) rmSync(path, { force: true });
    } catch {
      // Somebody else took it away.
    }
  };
}

/** Both where the socket is made and where it ends up must fit into an address. */
function checkLength(path: string): void {
  const bytes = Buffer.byteLength(path);
  const folderBytes = MAX_SOCKET_PATH_BYTES - Buffer.byteLength(join('/', NURSERY_EXAMPLE));
  if (bytes <= MAX_SOCKET_PATH_BYTES && Buffer.byteLength(dirname(path)) <= folderBytes) return;
  throw new GpuvmError(
    'GPUVM_CONTROL',
    `the path ${path} is too long for a control socket: it may have ${MAX_SOCKET_PATH_BYTES} bytes, and its folder ${folderBytes}`,
  );
}

function whyNot(cause: unknown): string {
  const { code, message } = cause as NodeJS.ErrnoException;
  if (code === 'EPERM') return `${message}; only root may give a socket to a group that one is not in`;
  return message;
}
