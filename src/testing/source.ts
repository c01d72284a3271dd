import { join } from 'node:path';
import type { z } from 'zod';
import { loadVmFile, parseVmFile, type VmConfig, type vmFileSchema } from '../config/index.js';
import { GpuvmError } from '../errors.js';

/** The same, for whoever only reads it. */
type Readable<T> = T extends readonly (infer E)[]
  ? readonly Readable<E>[]
  : T extends object
    ? { readonly [K in keyof T]: Readable<T[K]> }
    : T;

/** A VM file's keys and values, as YAML would have them: sizes and times as text. */
export type VmObject = Readable<z.input<typeof vmFileSchema>>;

/** A VM file's path, or what would stand in one. */
export type VmSource = string | VmObject;

/** Throws GPUVM_FILE and GPUVM_CONFIG as for a VM file. Relative paths of an object start at the working folder. */
export async function configOf(source: VmSource): Promise<VmConfig> {
  if (typeof source === 'string') return loadVmFile(source, { checkFiles: true });
  try {
    return parseVmFile(JSON.stringify(source), {
      file: join(process.cwd(), 'vm-of-a-test'),
      checkFiles: true,
    });
  } catch (error) {
    if (!GpuvmError.is(error) || error.place === undefined) throw error;
    // A line of the text that we made says nothing to whoever wrote the object.
    const message = error.message.replace(/^.*?vm-of-a-test(:\d+)*: /, "the test's VM: ");
    throw new GpuvmError(error.code, message, { cause: error, details: error.details });
  }
}
