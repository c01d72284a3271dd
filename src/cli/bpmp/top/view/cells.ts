/** How a piece of text looks; what that is on a terminal the painter knows. */
export type Style =
  | 'plain'
  | 'bold'
  | 'faint'
  | 'bar'
  | 'barStrong'
  | 'head'
  | 'sorted'
  | 'section'
  | 'tab'
  | 'selected'
  | 'key'
  | 'accent'
  | 'allow'
  | 'absorb'
  | 'deny'
  | 'malformed';

export interface Span {
  readonly text: string;
  readonly style: Style;
}

/** One line of a screen, from the left. */
export type CellLine = readonly Span[];

/** Whatever text it is made of, a terminal obeys none of it. */
export function span(text: string, style: Style = 'plain'): Span {
  return { text: clean(text), style };
}

/**
 * A text of anybody's as it may stand on a terminal: what moves the cursor, turns the direction or takes no place of its
 * own is escaped.
 */
export function clean(text: string): string {
  return text.replace(/[\p{C}\p{M}\p{Zl}\p{Zp}]/gu, (character) =>
    character === '\t' ? ' ' : `\\u{${character.codePointAt(0)!.toString(16)}}`,
  );
}

/** East Asian wide and fullwidth forms and emoji take two places. */
const WIDE =
  /[\u1100-\u115f\u2e80-\u303e\u3041-\ua4cf\ua960-\ua97c\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6\u{1f300}-\u{1faff}\u{20000}-\u{3fffd}]|\p{Emoji_Presentation}/u;
const ONLY_LATIN = /^[\u0020-\u024f]*$/;

/** The places that one character takes. */
export function placesOf(character: string): number {
  return WIDE.test(character) ? 2 : 1;
}

/** The places that a cleaned text takes. */
export function widthOf(text: string): number {
  if (ONLY_LATIN.test(text)) return text.length;
  let width = 0;
  for (const character of text) width += placesOf(character);
  return width;
}

/** The text in exactly so many places: filled up, or cut with an ellipsis. */
export function fitText(text: string, width: number, align: 'left' | 'right' = 'left'): string {
  const free = width - widthOf(text);
  if (free >= 0) return align === 'left' ? text + ' '.repeat(free) : ' '.repeat(free) + text;
  if (width <= 0) return '';
  let cut = '';
  let used = 0;
  for (const character of text) {
    const places = placesOf(character);
    if (used + places > width - 1) break;
    cut += character;
    used += places;
  }
  return `${cut}…${' '.repeat(width - 1 - used)}`;
}

export function lineWidth(line: CellLine): number {
  return line.reduce((sum, { text }) => sum + widthOf(text), 0);
}

/** A line in exactly so many places. */
export function fitLine(line: CellLine, width: number): CellLine {
  const fitted: Span[] = [];
  let left = width;
  for (const { text, style } of line) {
    if (left <= 0) break;
    const places = widthOf(text);
    fitted.push({ text: places > left ? fitText(text, left) : text, style });
    left -= places;
  }
  if (left > 0) fitted.push(span(' '.repeat(left)));
  return fitted;
}

/** `left` at the left, `right` at the right end; where both have no room, the left one is cut. */
export function spread(left: CellLine, right: CellLine, width: number, fill: Style = 'plain'): CellLine {
  const rightWidth = lineWidth(right);
  if (rightWidth + 1 >= width) return fitLine(left, width);
  const room = width - rightWidth;
  const over = lineWidth(left) > room - 1;
  const head = over ? fitLine(left, room - 1) : left;
  return [...head, span(' '.repeat(room - lineWidth(head)), fill), ...right];
}

/** Blocks of the same height side by side, each of its own width. */
export function beside(
  blocks: readonly { lines: readonly CellLine[]; width: number }[],
  gap: number,
): CellLine[] {
  const height = Math.max(...blocks.map(({ lines }) => lines.length));
  return Array.from({ length: height }, (_, row) =>
    blocks.flatMap(({ lines, width }, i) => [
      ...(i > 0 ? [span(' '.repeat(gap))] : []),
      ...fitLine(lines[row] ?? [], width),
    ]),
  );
}

/** Exactly so many lines: cut, or filled up with empty ones. */
export function fitLines(lines: readonly CellLine[], height: number): CellLine[] {
  return Array.from({ length: Math.max(0, height) }, (_, row) => lines[row] ?? []);
}

/** The words of a text in lines of at most so many places; a word that is longer is broken. */
export function fold(text: string, places: number): string[] {
  const width = Math.max(2, places);
  const lines: string[] = [];
  let line = '';
  for (const word of clean(text).split(' ')) {
    let rest = word;
    if (line !== '' && widthOf(line) + 1 + widthOf(rest) <= width) {
      line += ` ${rest}`;
      continue;
    }
    if (line !== '') lines.push(line);
    while (widthOf(rest) > width) {
      const part = [...rest].slice(0, Math.max(1, Math.floor(width / 2))).join('');
      lines.push(part);
      rest = rest.slice(part.length);
    }
    line = rest;
  }
  return [...lines, line];
}

/** One place for one place, for terminals that know ASCII alone. */
const ASCII: Readonly<Record<string, string>> = {
  '…': '~',
  '→': '>',
  '←': '<',
  '↑': '^',
  '↓': 'v',
  '▾': 'v',
  '·': '-',
  '×': 'x',
  µ: 'u',
  '°': 'o',
  '─': '-',
  '┴': '+',
  '│': '|',
  '●': '*',
  '█': '#',
  '▉': '#',
  '▊': '#',
  '▋': '#',
  '▌': '+',
  '▍': '-',
  '▎': '-',
  '▏': '.',
  '▇': '#',
  '▆': '*',
  '▅': '+',
  '▄': '=',
  '▃': '-',
  '▂': ':',
  '▁': '.',
};

export function toAscii(line: CellLine): CellLine {
  return line.map(({ text, style }) => ({
    text: text.replace(
      /[^\u0020-\u007e]/gu,
      (character) => ASCII[character] ?? '?'.repeat(placesOf(character)),
    ),
    style,
  }));
}
