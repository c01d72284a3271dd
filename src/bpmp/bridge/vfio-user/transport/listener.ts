import { lstatSync, unlinkSync } from 'node:fs';
import { GpuvmError } from '../../../../errors.js';
import { addon, Descriptor, WOULD_BLOCK } from '../../../../native/index.js';

/** `sun_path` less its NUL. */
const LONGEST_PATH = 107;

/** A listening Unix socket whose file only its owner may use, and which is removed again if it is still ours. */
export class Listener {
  readonly #descriptor: Descriptor;
  readonly #inode: bigint;

  private constructor(
    readonly path: string,
    fd: number,
  ) {
    this.#descriptor = new Descriptor(fd);
    this.#inode = inodeAt(path) ?? -1n;
  }

  /** Throws GPUVM_BRIDGE, in one line, where the path cannot be listened at. */
  static open(path: string): Listener {
    return new Listener(path, listenAt(path));
  }

  /** One that somebody has opened before, a former process say; the descriptor becomes this one's. */
  static adopt(path: string, fd: number): Listener {
    return new Listener(path, fd);
  }

  /** As {@link close}, but the socket is a successor's. */
  detach(): void {
    this.#descriptor.close();
  }

  get fd(): number {
    return this.#descriptor.fd;
  }

  /** The next connection's descriptor, which becomes the caller's, or undefined. */
  accept(): number | undefined {
    const fd = addon().unixAccept(this.fd);
    return fd === WOULD_BLOCK ? undefined : fd;
  }

  close(): void {
    if (this.fd < 0) return;
    this.#descriptor.close();
    if (inodeAt(this.path) === this.#inode) unlinkSync(this.path);
  }
}

/**
 * Listens, and answers a bare descriptor for whoever will serve there ({@link Listener.adopt}): clients may connect already.
 * Throws GPUVM_BRIDGE, in one line, where the path cannot be listened at.
 */
export function listenAt(path: string): number {
  if (Buffer.byteLength(path) > LONGEST_PATH) {
    throw new GpuvmError(
      'GPUVM_BRIDGE',
      `socket path ${path} is over ${LONGEST_PATH} bytes: use a shorter one`,
    );
  }
  removeStale(path);
  try {
    return addon().unixListen(path, 0o600);
  } catch (cause) {
    throw new GpuvmError('GPUVM_BRIDGE', `cannot listen at ${path}: ${(cause as Error).message}`, {
      cause,
    });
  }
}

/** A socket's file outlives a process that was killed. One that nobody listens at is removed, all else is refused. */
function removeStale(path: string): void {
  const stat = lstatSync(path, { throwIfNoEntry: false });
  if (stat === undefined) return;
  if (!stat.isSocket()) {
    throw new GpuvmError('GPUVM_BRIDGE', `${path} exists and is no socket: remove it or choose another path`);
  }
  if (stat.uid !== process.getuid?.()) {
    throw new GpuvmError(
      'GPUVM_BRIDGE',
      `${path} is another user's socket: remove it or choose another path`,
    );
  }
  try {
    new Descriptor(addon().unixConnect(path)).close();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ECONNREFUSED') {
      unlinkSync(path);
      return;
    }
  }
  throw new GpuvmError(
    'GPUVM_BRIDGE',
    `${path} is in use by another process: stop it or choose another path`,
  );
}

function inodeAt(path: string): bigint | undefined {
  return lstatSync(path, { bigint: true, throwIfNoEntry: false })?.ino;
}
