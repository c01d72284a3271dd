import { readCells, readStrings } from './values.js';

/** What a property's value looks like. A tree does not say it, so this is a guess, by the rule that dtc goes by. */
export type Value =
  | { readonly kind: 'empty' }
  | { readonly kind: 'strings'; readonly strings: readonly string[] }
  | { readonly kind: 'cells'; readonly cells: readonly number[] }
  | { readonly kind: 'bytes'; readonly bytes: Uint8Array };

/**
 * Strings where all is printable, ends with a NUL and has not more NULs than letters; else cells where the length allows;
 * else bytes. A number such as 0x41420000 hence reads as a string: who knows the property asks `readCells` or
 * `readStrings` itself.
 */
export function guessValue(value: Uint8Array): Value {
  if (value.length === 0) return { kind: 'empty' };
  if (looksLikeStrings(value)) return { kind: 'strings', strings: readStrings(value) ?? [] };
  const words = readCells(value);
  return words === undefined ? { kind: 'bytes', bytes: value } : { kind: 'cells', cells: words };
}

function looksLikeStrings(value: Uint8Array): boolean {
  if (value.at(-1) !== 0) return false;
  let ends = 0;
  for (const byte of value) {
    if (byte === 0) ends++;
    // \\a to \\r are what C takes for spaces and the bell.
    else if ((byte < 7 || byte > 13) && (byte < 32 || byte > 126)) return false;
  }
  return ends <= value.length - ends;
}
