import { mistake, type Span } from './mistake.js';

/** One character each. */
const escapes: Readonly<Record<string, string>> = {
  '"': '"',
  '\\': '\\',
  "'": "'",
  a: '\u0007',
  b: '\b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
  v: '\v',
};
const coded = /x([0-9a-fA-F]{1,2})|([0-7]{1,3})|u([0-9a-fA-F]{4})/y;

/** `"…"` with its escapes, or `r"…"` without any; undefined where neither begins here. */
export function readString(text: string, at: number): ({ readonly text: string } & Span) | undefined {
  const isRaw = /[rR]/.test(text[at]!) && text[at + 1] === '"';
  if (!isRaw && text[at] !== '"') return undefined;
  let value = '';
  for (let here = at + (isRaw ? 2 : 1); here < text.length; here++) {
    const character = text[here]!;
    if (character === '"') return { text: value, at, length: here + 1 - at };
    if (character !== '\\') value += character;
    else if (isRaw) {
      // A quote after a backslash does not end a raw text, and the backslash stays.
      value += character + (text[++here] ?? '');
    } else {
      const read = readEscape(text, here + 1);
      value += read.text;
      here += read.length;
    }
  }
  throw mistake(text, { at, length: text.length - at }, 'this text has no closing quote');
}

function readEscape(text: string, at: number): { text: string; length: number } {
  const known = escapes[text[at] ?? ''];
  if (known !== undefined) return { text: known, length: 1 };
  coded.lastIndex = at;
  const found = coded.exec(text);
  if (found !== null) {
    const code = Number.parseInt(found[1] ?? found[2] ?? found[3]!, found[2] === undefined ? 16 : 8);
    return { text: String.fromCharCode(code), length: found[0].length };
  }
  const place = { at: at - 1, length: 2 };
  throw mistake(text, place, `this is no escape of a text: a backslash is written \\\\, or the text r"…"`);
}

/** The text in quotes, so that it is read as the same. */
export function writeString(text: string): string {
  const escaped = text.replace(/["\\]|[^\u0020-\u007e]/g, (character) => {
    if (character === '"' || character === '\\') return `\\${character}`;
    return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;
  });
  return `"${escaped}"`;
}
