import { guessValue } from './value-kind.js';
import { readCells } from './values.js';

/** A cell that is written as a reference, or with a name, and how many cells belong to it. */
export interface WrittenReference {
  /** In bytes. */
  readonly offset: number;
  /** That follow the phandle. */
  readonly cells: number;
  /** `&label` or `&{/path}`; undefined where the number stays. */
  readonly text: string | undefined;
  readonly name: string | undefined;
}

/** A value as source: what follows the `=`. It comes to the same bytes again. */
export function printValue(value: Uint8Array, references: readonly WrittenReference[] = []): string {
  const words = references.some(({ text, name }) => text ?? name) ? readCells(value) : undefined;
  if (words !== undefined) return printReferences(words, references);
  const guess = guessValue(value);
  switch (guess.kind) {
    case 'empty':
      return '[]';
    case 'strings':
      return guess.strings.map(quoted).join(', ');
    case 'cells':
      return `<${guess.cells.map(hexadecimal).join(' ')}>`;
    case 'bytes':
      return `[${[...guess.bytes].map((byte) => byte.toString(16).padStart(2, '0')).join(' ')}]`;
  }
}

/** Each reference with its cells in brackets of its own; in a table, where cells come before too, all in one. */
function printReferences(words: readonly number[], references: readonly WrittenReference[]): string {
  const byIndex = new Map(references.map((each) => [each.offset / 4, each]));
  const isList = references[0]?.offset === 0;
  const groups: string[][] = [[]];
  let end = -1;
  for (const [index, word] of words.entries()) {
    const reference = byIndex.get(index);
    // Also what comes after a reference's cells: a gap, or what nobody knows.
    if (isList && index > 0 && (reference || index === end)) groups.push([]);
    groups.at(-1)!.push(reference?.text ?? hexadecimal(word));
    if (reference) end = index + reference.cells + 1;
    const named = references.find(({ offset, cells }) => offset / 4 + cells === index);
    if (named?.name !== undefined) groups.at(-1)!.push(comment(named.name));
  }
  return groups.map((group) => `<${group.join(' ')}>`).join(', ');
}

/** What is in it cannot end it. */
function comment(text: string): string {
  return `/* ${text.replace(/\*\//g, '* /').replace(/[^ -~]/g, '?')} */`;
}

function hexadecimal(word: number): string {
  return `0x${word.toString(16).padStart(2, '0')}`;
}

const escapes: Readonly<Record<string, string>> = {
  '\x07': '\\a',
  '\b': '\\b',
  '\t': '\\t',
  '\n': '\\n',
  '\v': '\\v',
  '\f': '\\f',
  '\r': '\\r',
  '"': '\\"',
  '\\': '\\\\',
};

function quoted(text: string): string {
  return `"${[...text].map((letter) => escapes[letter] ?? letter).join('')}"`;
}
