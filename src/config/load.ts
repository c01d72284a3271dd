import { formatPlace, GpuvmError } from '../errors.js';
import { checkFiles } from './check-files.js';
import { contradictions } from './contradictions/index.js';
import { tooDeepAt } from './depth.js';
import { type Mistake, YamlDocument } from './document.js';
import { keysAt } from './keys.js';
import { mistakesOf } from './mistakes.js';
import { variablesFor } from './paths.js';
import { MAX_LENGTH, readText } from './read-text.js';
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

/** More mistakes than this are counted, not listed. */
const MAX_LISTED = 100;

/** Reads a VM file's text. Throws GPUVM_CONFIG with the first mistake; `details.mistakes` has a line for each. */
export function parseVmFile(text: string, options: ParseOptions): VmConfig {
  const { file } = options;
  if (text.length > MAX_LENGTH) refuse([{ message: 'is too long for a VM file', place: { file } }]);
  const document = readDocument(text, file);

  const value = plainValue(document);
  // A file is read once: compiling its checker would take longer than checking does.
  const parsed = vmFileSchema.safeParse(value, { reportInput: true, jitless: true });
  if (!parsed.success) {
    refuse(mistakesOf(parsed.error.issues, document, (path) => keysAt(vmFileSchema, path, value)));
  }
  const mistakes: Mistake[] = [];
  const { data } = parsed;
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

/** Throws GPUVM_CONFIG where it is no YAML. */
function readDocument(text: string, file: string): YamlDocument {
  const deep = tooDeepAt(text);
  if (deep !== undefined) {
    const lines = text.slice(0, deep).split('\n');
    const place = { file, line: lines.length, column: lines.at(-1)!.length + 1 };
    refuse([{ message: 'nested too deeply', place }]);
  }
  const document = new YamlDocument(text, file);
  const { mistakes } = document;
  if (mistakes.length > 0) refuse(mistakes);
  return document;
}

function plainValue(document: YamlDocument): unknown {
  try {
    return document.value;
  } catch (cause) {
    if (!(cause instanceof ReferenceError)) throw cause;
    const message = 'its aliases would make it grow out of proportion';
    return refuse([{ message, place: document.placeOf([]) }]);
  }
}

function refuse(mistakes: readonly Mistake[]): never {
  const sorted = mistakes.toSorted(
    (a, b) => (a.place.line ?? 0) - (b.place.line ?? 0) || (a.place.column ?? 0) - (b.place.column ?? 0),
  );
  const [first, ...others] = sorted;
  const more = others.length > 0 ? ` (and ${others.length} more)` : '';
  throw new GpuvmError('GPUVM_CONFIG', `${first!.message}${more}`, {
    place: first!.place,
    details: {
      mistakes: sorted.slice(0, MAX_LISTED).map(({ message, place }) => `${formatPlace(place)}: ${message}`),
    },
  });
}
