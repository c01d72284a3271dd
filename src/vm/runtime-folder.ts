import { rmSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
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

  static async create(env: NodeJS.ProcessEnv = process.env): Promise<RuntimeFolder> {
    const runtime = env.XDG_RUNTIME_DIR;
    // Short, because a socket's path has 107 bytes at most; mkdtemp makes it 0700.
    const prefix = join(runtime && isAbsolute(runtime) ? runtime : tmpdir(), 'gpuvm-');
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

  async remove(): Promise<void> {
    process.off('exit', this.#onExit);
    await rm(this.path, { recursive: true, force: true });
  }
}
