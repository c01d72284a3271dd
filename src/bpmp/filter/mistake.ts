import { GpuvmError } from '../../errors.js';

/** Where something stands in an expression, in characters from its beginning. */
export interface Span {
  readonly at: number;
  readonly length: number;
}

/** How much of an expression is shown around a mistake. */
const BEFORE = 60;
const AFTER = 40;

/** A mistake in an expression: one line that says it, and in `details.shown` the text with a caret under the place. */
export function mistake(text: string, { at, length }: Span, message: string): GpuvmError {
  const from = Math.max(0, at - BEFORE);
  const to = Math.min(text.length, at + Math.max(1, Math.min(length, AFTER)) + AFTER);
  const head = from > 0 ? '…' : '';
  const shown = `${head}${flat(text.slice(from, to))}${to < text.length ? '…' : ''}`;
  const room = Math.max(1, Math.min(length, shown.length - head.length - (at - from)));
  const caret = `${' '.repeat(head.length + at - from)}^${'~'.repeat(room - 1)}`;
  return new GpuvmError('GPUVM_FILTER', `in the filter, column ${at + 1}: ${message}`, {
    details: { expression: text, column: at + 1, length, shown: [shown, caret] },
  });
}

/** Some of the user's own words, as a message quotes them. */
export function quoted(word: string): string {
  return JSON.stringify(flat(word.length > 60 ? `${word.slice(0, 60)}…` : word));
}

/** One column for each character, so that the caret stays under its place. */
function flat(text: string): string {
  return text.replace(/[\p{Cc}\p{Cs}\u061c\u200b-\u200f\u2028-\u202e\u2066-\u2069\ufeff]/gu, (character) =>
    '·'.repeat(character.length),
  );
}
