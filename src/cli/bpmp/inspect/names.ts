import { globMatcher } from '../../../bpmp/inspect/index.js';
import type { ResourceTable } from '../../../bpmp/wire/index.js';
import { GpuvmError } from '../../../errors.js';
import { nearest } from '../../../nearest.js';

/** The id of a name or number on the command line. Throws GPUVM_USAGE with the nearest name. */
export function idOf(table: ResourceTable, word: string | undefined): number {
  if (word === undefined)
    throw new GpuvmError('GPUVM_USAGE', `which ${table.kind}? Give its name or its number`);
  if (/^\d{1,8}$/.test(word)) return Number(word);
  const id = table.idOf(word);
  if (id !== undefined) return id;
  const meant = nearest(word.toUpperCase(), table.names);
  throw new GpuvmError(
    'GPUVM_USAGE',
    `there is no ${table.kind} ${word}${meant === undefined ? '' : `: did you mean ${meant}?`}`,
  );
}

/** Takes all names where no glob is given. */
export function matcherOf(glob: string | undefined): (name: string) => boolean {
  return glob === undefined ? () => true : globMatcher(glob);
}

export function unknownAction(command: string, word: string, actions: readonly string[]): GpuvmError {
  const meant = nearest(word, actions);
  return new GpuvmError(
    'GPUVM_USAGE',
    `gpuvm bpmp ${command} takes ${actions.join(', ')}, not ${word}${meant === undefined ? '' : `: did you mean ${meant}?`}`,
  );
}

export function tooMany(command: string, words: readonly string[]): void {
  if (words.length > 0)
    throw new GpuvmError('GPUVM_USAGE', `gpuvm bpmp ${command} takes no further ${words[0]}`);
}
