import { type CellLine, placesOf, type Style, toAscii } from '../view/cells.js';

/** Of the sixteen colours only those that are read on light and on dark; everything else by weight and reversal. */
const attributes: Readonly<Record<Style, string>> = {
  plain: '',
  bold: '1',
  faint: '2',
  bar: '7',
  barStrong: '1;7',
  head: '2',
  sorted: '1',
  section: '1;36',
  tab: '1;7',
  selected: '7',
  key: '1',
  accent: '36',
  allow: '32',
  absorb: '33',
  deny: '31',
  malformed: '35',
};

interface Cell {
  /** Empty behind a character of two places. */
  readonly character: string;
  readonly attribute: string;
}

export interface Looks {
  readonly colour: boolean;
  readonly ascii: boolean;
}

/** Turns screens into what a terminal is to be sent: the whole of the first, of the others what has changed. */
export class Painter {
  readonly #looks: Looks;
  #shown: readonly (readonly Cell[])[] | undefined;

  constructor(looks: Looks) {
    this.#looks = looks;
  }

  /** What is on the terminal is not known any more. */
  forget(): void {
    this.#shown = undefined;
  }

  /** Empty where nothing has changed. */
  paint(lines: readonly CellLine[]): string {
    const next = lines.map((line) => this.#cells(line));
    const before = this.#shown;
    this.#shown = next;
    let text = before === undefined ? '\u001b[0m\u001b[H\u001b[2J' : '';
    let attribute = '';
    for (const [row, cells] of next.entries()) {
      for (const [from, to] of changes(before?.[row], cells)) {
        text += `\u001b[${row + 1};${from + 1}H`;
        for (const cell of cells.slice(from, to)) {
          if (cell.attribute !== attribute) {
            text += cell.attribute === '' ? '\u001b[0m' : `\u001b[0;${cell.attribute}m`;
            attribute = cell.attribute;
          }
          text += cell.character;
        }
      }
    }
    return attribute === '' ? text : `${text}\u001b[0m`;
  }

  #cells(line: CellLine): Cell[] {
    const cells: Cell[] = [];
    for (const { text, style } of this.#looks.ascii ? toAscii(line) : line) {
      const attribute = this.#attribute(style);
      for (const character of text) {
        cells.push({ character, attribute });
        if (placesOf(character) === 2) cells.push({ character: '', attribute });
      }
    }
    return cells;
  }

  #attribute(style: Style): string {
    const attribute = attributes[style];
    if (this.#looks.colour) return attribute;
    return attribute
      .split(';')
      .filter((part) => part.length < 2)
      .join(';');
  }
}

/** Moving the cursor costs some eight characters: unchanged stretches that are shorter are written over. */
const LEAST_GAP = 8;

/** The stretches of a line that differ. */
function changes(before: readonly Cell[] | undefined, cells: readonly Cell[]): [number, number][] {
  if (before === undefined || before.length !== cells.length)
    return cells.length === 0 ? [] : [[0, cells.length]];
  const stretches: [number, number][] = [];
  for (let i = 0; i < cells.length; i++) {
    const [was, is] = [before[i]!, cells[i]!];
    if (was.character === is.character && was.attribute === is.attribute) continue;
    // The second half of a wide character cannot be written alone; nor can half of one be written over.
    const from = is.character === '' || was.character === '' ? i - 1 : i;
    const to = cells[i + 1]?.character === '' || before[i + 1]?.character === '' ? i + 2 : i + 1;
    const last = stretches.at(-1);
    if (last && from - last[1] < LEAST_GAP) last[1] = Math.max(to, last[1]);
    else stretches.push([from, to]);
  }
  return stretches;
}

/** Lines as they are printed one after the other, without a screen. */
export function textLines(lines: readonly CellLine[], looks: Looks): string[] {
  return lines.map((line) => {
    const spans = trimmed(looks.ascii ? toAscii(line) : line);
    return spans
      .map(({ text, style }) => {
        const attribute = looks.colour ? attributes[style] : '';
        return attribute === '' ? text : `\u001b[${attribute}m${text}\u001b[0m`;
      })
      .join('');
  });
}

/** Without the blanks at its end, unless they are seen. */
function trimmed(line: CellLine): CellLine {
  const spans = [...line];
  for (
    let last = spans.at(-1);
    last !== undefined && !attributes[last.style].includes('7');
    last = spans.at(-1)
  ) {
    const text = last.text.trimEnd();
    spans.pop();
    if (text === '') continue;
    spans.push({ ...last, text });
    break;
  }
  return spans;
}
