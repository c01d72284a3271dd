import { accessSync, constants, statSync } from 'node:fs';
import { join } from 'node:path';
import { cannotStart } from './ask.js';

/** Throws GPUVM_QEMU_START where there is no such program, on the PATH where it is a bare name. */
export function requireProgram(binary: string, env: NodeJS.ProcessEnv = process.env): void {
  const places = binary.includes('/')
    ? [binary]
    : (env.PATH ?? '').split(':').map((folder) => join(folder || '.', binary));
  let code = 'ENOENT';
  for (const path of places) {
    try {
      accessSync(path, constants.X_OK);
      if (statSync(path).isFile()) return;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'EACCES') code = 'EACCES';
    }
  }
  throw cannotStart(binary, Object.assign(new Error(code), { code }));
}
