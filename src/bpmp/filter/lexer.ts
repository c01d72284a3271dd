import { mistake, quoted, type Span } from './mistake.js';
import { readString } from './string.js';

export type Token = Span &
  (
    | { readonly kind: 'word'; readonly text: string }
    /** `text` is what the escapes stand for. */
    | { readonly kind: 'string'; readonly text: string }
    /** Punctuation, and operators written by signs. */
    | { readonly kind: 'sign'; readonly text: string }
    | { readonly kind: 'end'; readonly text: '' }
  );

/** The longest expression that is taken. */
export const MOST_CHARACTERS = 16_384;

/** Longer ones first. */
const signs = /===|!==|==|!=|~=|>=|<=|&&|\|\||\.\.|[<>~!(){},]/y;
/** Names, numbers with their units, and bytes; two points in a row are a range. */
const words = /(?:[\p{L}\p{N}_:°+-]|\.(?!\.))+/uy;
const spaces = /\s+/y;

/** What is not taken, but is easily written: what to write instead. */
const others: Readonly<Record<string, string>> = {
  '=': 'write == to compare',
  '&': 'write && or "and"',
  '|': 'write || or "or"',
  '[': 'slices are not supported: use contains, or a field of the request or reply',
  "'": 'texts stand in double quotes',
  '^': 'there is no exclusive or',
};

/** The words and signs of an expression, the end last. Throws GPUVM_FILTER for what is neither. */
export function tokensOf(text: string): readonly Token[] {
  if (text.length > MOST_CHARACTERS) {
    const place = { at: MOST_CHARACTERS, length: 1 };
    throw mistake(text, place, `it has ${text.length} characters, and at most ${MOST_CHARACTERS} are taken`);
  }
  const tokens: Token[] = [];
  let at = 0;
  const take = (pattern: RegExp): string | undefined => {
    pattern.lastIndex = at;
    return pattern.exec(text)?.[0];
  };
  while (at < text.length) {
    at += take(spaces)?.length ?? 0;
    if (at >= text.length) break;
    const string = readString(text, at);
    const word = string === undefined ? take(words) : undefined;
    const sign = string === undefined && word === undefined ? take(signs) : undefined;
    if (string !== undefined) tokens.push({ kind: 'string', ...string });
    else if (word !== undefined) tokens.push({ kind: 'word', text: word, at, length: word.length });
    else if (sign !== undefined) tokens.push({ kind: 'sign', text: sign, at, length: sign.length });
    else {
      const character = String.fromCodePoint(text.codePointAt(at)!);
      const hint = others[character];
      throw mistake(
        text,
        { at, length: character.length },
        `${quoted(character)} is not expected${hint ? `: ${hint}` : ''}`,
      );
    }
    at += tokens.at(-1)!.length;
  }
  tokens.push({ kind: 'end', text: '', at: text.length, length: 1 });
  return tokens;
}
