import { checkFiles } from './check-files.js';
import { readChecked, refuse } from './checked.js';
import { contradictions } from './contradictions/index.js';
import type { Mistake } from './document.js';
import { variablesFor } from './paths.js';
import { readText } from './read-text.js';
import { resolvePaths } from './resolve.js';
import { vmFileSchema } from './schema/index.js';
import type { VmConfig } from './vm-config.js';

export interface ParseOptions {
  /** Where the text came from; relative paths in it start at this file's folder. */
  readonly file: string;
  readonly env?: NodeJS.ProcessEnv;
  /** Also refuses a file whose kernel, initrd, dtb or policy cannot be read. */
  readonly checkFiles?: boolean;
}

/** Reads a VM file's text. Throws GPUVM_CONFIG with the first mistake; `details.mistakes` has a line for each. */
export function parseVmFile(text: string, options: ParseOptions): VmConfig {
  const { file } = options;
  const { data, document } = readChecked(text, file, vmFileSchema, 'VM file');
  const mistakes: Mistake[] = [];
  const written = resolvePaths(data, variablesFor(file, options.env), document, mistakes);
  mistakes.push(...contradictions(data, document));
  if (options.checkFiles && mistakes.length === 0) checkFiles(data, document, mistakes);
  if (mistakes.length > 0) refuse(mistakes);
  return { ...data, file, ...(Object.keys(written).length > 0 && { written }) };
}

/** Reads a VM file. Throws GPUVM_FILE where it cannot be read, GPUVM_CONFIG where it is wrong. */
export async function loadVmFile(file: string, options: Omit<ParseOptions, 'file'> = {}): Promise<VmConfig> {
  return parseVmFile(await readText(file), { ...options, file });
}
