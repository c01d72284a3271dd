import { isAbsolute } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import type { KeyPath, Mistake, YamlDocument } from './document.js';
import { expandPath, expandProgram, expandVariables, type Variables } from './paths.js';
import { fileKeys, programKeys, setAt, textKeys, textsAt } from './places.js';
import type { VmFile } from './schema/index.js';

/** Paths as the file has them, by what they became; only those that were written relative to the file's folder. */
export type WrittenPaths = Readonly<Record<string, string>>;

/**
 * Puts in variables and makes paths absolute, in place; adds what is wrong with them to `mistakes`. Answers with the
 * paths as they were written.
 */
export function resolvePaths(
  file: VmFile,
  variables: Variables,
  document: YamlDocument,
  mistakes: Mistake[],
): WrittenPaths {
  const complain = (path: KeyPath) => (message: string) => {
    const place = document.placeOf(path);
    // A hook's program is text, too.
    const isSame = (other: Mistake) => other.message === message && isDeepStrictEqual(other.place, place);
    if (!mistakes.some(isSame)) mistakes.push({ message, place });
  };
  const written: Record<string, string> = {};
  for (const pattern of textKeys) {
    for (const { path, text } of textsAt(file, pattern)) {
      setAt(file, path, expandVariables(text, variables, complain(path)));
    }
  }
  for (const pattern of programKeys) {
    for (const { path, text } of textsAt(file, pattern)) {
      setAt(file, path, expandProgram(text, variables, complain(path)));
    }
  }
  for (const { at } of fileKeys) {
    for (const { path, text } of textsAt(file, at)) {
      const resolved = expandPath(text, variables, complain(path));
      if (!isAbsolute(text) && !/^~(\/|$)/.test(text) && !text.includes('${')) written[resolved] ??= text;
      setAt(file, path, resolved);
    }
  }
  return written;
}
