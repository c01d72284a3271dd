import type * as z from 'zod';
import { formatPlace, GpuvmError } from '../errors.js';
import { tooDeepAt } from './depth.js';
import { type Mistake, YamlDocument } from './document.js';
import { keysAt } from './keys.js';
import { mistakesOf } from './mistakes.js';
import { MAX_LENGTH } from './read-text.js';

/** More mistakes than this are counted, not listed. */
const MAX_LISTED = 100;

/** A YAML text as a schema has it, and where its values stand. Throws GPUVM_CONFIG with every mistake. */
export function readChecked<T>(
  text: string,
  file: string,
  schema: z.ZodType<T>,
  what: string,
): { data: T; document: YamlDocument } {
  if (text.length > MAX_LENGTH) refuse([{ message: `is too long for a ${what}`, place: { file } }]);
  const document = readDocument(text, file);
  const value = plainValue(document);
  // A file is read once: compiling its checker would take longer than checking does.
  const parsed = schema.safeParse(value, { reportInput: true, jitless: true });
  if (parsed.success) return { data: parsed.data, document };
  const mistakes = mistakesOf(parsed.error.issues, document, (path) => keysAt(schema, path, value));
  // A path of no keys is called by the file that has nearly all of them.
  return refuse(
    mistakes.map(({ message, place }) => ({
      message: message.replace(/^the VM file /, `the ${what} `),
      place,
    })),
  );
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

/** Throws GPUVM_CONFIG with the first of them; `details.mistakes` has a line for each. */
export function refuse(mistakes: readonly Mistake[]): never {
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
