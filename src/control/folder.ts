import { closeSync, openSync } from 'node:fs';
import { chmod, chown, mkdir, stat } from 'node:fs/promises';
import { GpuvmError } from '../errors.js';
import { addon } from '../native/index.js';

const OTHERS_WRITE = 0o002;
const OTHERS_ENTER = 0o001;
const STICKY = 0o1000;
/** It is kept for as long as it takes to ask a socket who is there. */
const LOCK_MS = 15_000;
const LOCK_POLL_MS = 10;
const OWN_MODE = 0o750;
/** For a folder that VMs of several groups share: the names are no secret, and each socket has its own rights. */
const SHARED_MODE = 0o755;

/**
 * Makes the folder of control sockets where it is not there, for its owner and `gid` alone. One that is there is only
 * opened for further groups, and refused where others could exchange the sockets in it.
 */
export async function prepareFolder(folder: string, gid: number | undefined): Promise<void> {
  try {
    if (await make(folder)) {
      if (gid !== undefined) await chown(folder, -1, gid);
      // Whatever the umask left of it.
      await chmod(folder, OWN_MODE);
      return;
    }
    const { uid, gid: group, mode } = await stat(folder);
    const own = process.getuid!();
    if (uid !== own && uid !== 0) throw unsafe(folder, `it belongs to user ${uid}`);
    if (mode & OTHERS_WRITE && !(mode & STICKY)) throw unsafe(folder, 'everybody may write to it');
    if (uid === own && gid !== undefined && gid !== group && !(mode & OTHERS_ENTER)) {
      await chmod(folder, SHARED_MODE);
    }
  } catch (cause) {
    if (GpuvmError.is(cause)) throw cause;
    const why = (cause as Error).message;
    throw new GpuvmError('GPUVM_CONTROL', `the folder ${folder} for control sockets cannot be used: ${why}`, {
      cause,
    });
  }
}

/** Has the folder for oneself among supervisors, and for no longer than one lives; returns what gives it free. */
export async function lockFolder(folder: string): Promise<() => void> {
  const fd = openSync(folder, 'r');
  const start = performance.now();
  while (!addon().tryLockFile(fd)) {
    if (performance.now() - start > LOCK_MS) {
      closeSync(fd);
      throw new GpuvmError('GPUVM_CONTROL', `another supervisor keeps ${folder} locked: try again`);
    }
    await new Promise((resolve) => setTimeout(resolve, LOCK_POLL_MS));
  }
  return () => closeSync(fd);
}

/** Whether the folder is new. */
async function make(folder: string): Promise<boolean> {
  try {
    await mkdir(folder, { mode: OWN_MODE });
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  }
}

function unsafe(folder: string, why: string): GpuvmError {
  return new GpuvmError(
    'GPUVM_CONTROL',
    `a control socket in ${folder} would not be safe, because ${why}: use a folder of your own (control.socket)`,
  );
}
