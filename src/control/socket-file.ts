import { rmSync, statSync } from 'node:fs';
import { chmod, chown, link, lstat, mkdtemp, rm } from 'node:fs/promises';
import { connect, type Server } from 'node:net';
import { dirname, join } from 'node:path';
import { GpuvmError } from '../errors.js';
import { lockFolder, prepareFolder } from './folder.js';
import { MAX_SOCKET_PATH_BYTES } from './path.js';

/** A supervisor answers a connection in its kernel; only a machine at its limits takes longer. */
const PROBE_MS = 2_000;
/** How often another may come between our look and our step before we give up. */
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
async function take(made: string, options: SocketFileOptions): Promise<void> {
  const { path } = options;
  if (await linked(made, path)) return;
  // Who finds a dead socket takes it away, one supervisor at a time: another's living one may be there a moment later.
  const release = await lockFolder(dirname(path));
  try {
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      await clear(options);
      if (await linked(made, path)) return;
    }
  } finally {
    release();
  }
  throw new GpuvmError('GPUVM_CONTROL', `${path} keeps appearing: several supervisors start at once`);
}

async function linked(made: string, path: string): Promise<boolean> {
  try {
    await link(made, path);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  }
}

/** Takes a dead supervisor's socket away; throws where it is a living one's, or no socket. */
async function clear({ path, whoServes }: SocketFileOptions): Promise<void> {
  const there = await lstat(path).catch(() => undefined);
  if (!there) return;
  if (!there.isSocket()) {
    throw new GpuvmError('GPUVM_CONTROL', `${path} is no socket: move it away, or change control.socket`);
  }
  if (!(await answers(path))) {
    await rm(path, { force: true });
    return;
  }
  const pid = await whoServes(path);
  const whose = pid === undefined ? 'another supervisor' : `the supervisor with process id ${pid}`;
  throw new GpuvmError('GPUVM_VM_PRESENT', `${path} is in use by ${whose}: this VM runs already`, {
    details: { path, ...(pid === undefined ? {} : { pid }) },
  });
}

/** Takes a dead supervisor's socket away; false where somebody listens, or nothing is there. */
export async function removeDead(path: string): Promise<boolean> {
  const release = await lockFolder(dirname(path));
  try {
    if (await answers(path)) return false;
    await rm(path);
    return true;
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return false;
    throw new GpuvmError('GPUVM_CONTROL', `${path} cannot be removed: ${(cause as Error).message}`, {
      cause,
    });
  } finally {
    release();
  }
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
