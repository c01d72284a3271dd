import { rmSync } from 'node:fs';
import { chown, mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { isAbsolute, join } from 'node:path';
import { GpuvmError } from '../errors.js';

/** A private folder for one VM's sockets; nobody but this user can enter it, and it goes with the VM. */
export class RuntimeFolder {
  readonly path: string;
  readonly #onExit: () => void;

  private constructor(path: string) {
    this.path = path;
    // A last resort for a program that ends without waiting for the VM.
    this.#onExit = () => rmSync(path, { recursive: true, force: true });
    process.once('exit', this.#onExit);
  }

  /** `isShared`: another account is to enter it, so that it cannot lie in a folder of this one's own. */
  static async create(isShared = false, env: NodeJS.ProcessEnv = process.env): Promise<RuntimeFolder> {
    const runtime = env.XDG_RUNTIME_DIR;
    const base = isShared ? '/run' : runtime && isAbsolute(runtime) ? runtime : tmpdir();
    // Short, because a socket's path has 107 bytes at most; mkdtemp makes it 0700.
    const prefix = join(base, 'gpuvm-');
    try {
      return new RuntimeFolder(await mkdtemp(prefix));
    } catch (cause) {
      const why = cause instanceof Error ? cause.message : String(cause);
      throw new GpuvmError('GPUVM_FILE', `no folder for the VM's sockets can be made: ${why}`, { cause });
    }
  }

  file(name: string): string {
    return join(this.path, name);
  }

  /** QEMU makes its sockets in here, and opens ours; nobody else may still enter. */
  async giveTo({ uid, gid }: { readonly uid: number; readonly gid: number }): Promise<void> {
    for (const name of await readdir(this.path)) await chown(this.file(name), uid, gid);
    await chown(this.path, uid, gid);
  }

  /** It stays where it is when this process ends, for another one. */
  keep(): void {
    process.off('exit', this.#onExit);
  }

  /** One that another process has kept. */
  static adopt(path: string): RuntimeFolder {
    return new RuntimeFolder(path);
  }

  async remove(): Promise<void> {
    process.off('exit', this.#onExit);
    await rm(this.path, { recursive: true, force: true });
  }
}
