import { focusOf } from '../ui.js';
import { type CellLine, clean, fitText, lineWidth, type Span, span, widthOf } from './cells.js';
import type { Picture } from './picture.js';

/** What keys do here; or the filter that is being written, with its mistake under the place that is meant. */
export function footerLines(picture: Picture, width: number): CellLine[] {
  const { ui, notice } = picture;
  if (ui.edit) return editLines(ui.edit, width);
  const said = ui.note ?? notice;
  const lines: CellLine[] = said === undefined ? [] : [[span(fitText(clean(said), width), 'accent')]];
  return [...lines, hints(picture, width)];
}

/** A key and what it does; with a number, what goes first where there is no room. */
type Hint = readonly [key: string, meaning: string, spare?: number];

function hints({ ui, origin }: Picture, width: number): CellLine {
  if (ui.choice) return keys(CHOOSING, width);
  if (ui.help) return keys([['any key', 'back']], width);
  const hold: Hint = ['p', ui.pausedMs === undefined ? 'pause' : 'go on', 5];
  const always: readonly Hint[] = [
    ['?', 'help'],
    ['q', 'quit'],
  ];
  if (ui.opened)
    return keys([['Esc', 'back'], ['↑↓', 'transfers', 4], ['f', 'filter', 3], hold, ...always], width);
  const focus = focusOf(ui);
  const onRows: readonly Hint[] = focus
    ? [
        ['Enter', 'open', 6],
        ['s', `sort: ${ui.sort[focus]}`, 3],
      ]
    : [];
  const others: readonly Hint[] = origin.kind === 'vm' ? [['v', 'VM', 2]] : [];
  return keys(
    [['Tab', 'pane', 4], ...onRows, ['f', 'filter', 7], hold, ['r', 'reset', 1], ...others, ...always],
    width,
  );
}

function keys(all: readonly Hint[], width: number): CellLine {
  const line = all.flatMap(([key, meaning], i): Span[] => [
    span(i === 0 ? ' ' : '  '),
    span(key, 'key'),
    span(meaning === '' ? '' : ` ${meaning}`, 'faint'),
  ]);
  const spare = all.filter(([, , order]) => order !== undefined).sort((a, b) => a[2]! - b[2]!)[0];
  if (lineWidth(line) <= width || spare === undefined) return line;
  return keys(
    all.filter((hint) => hint !== spare),
    width,
  );
}

const CHOOSING: readonly Hint[] = [
  ['↑↓', ''],
  ['Enter', 'choose'],
  ['Esc', 'back'],
  ['q', 'quit'],
];
const WRITING: readonly Hint[] = [
  ['Enter', 'use it'],
  ['Esc', 'leave as it was'],
  ['Ctrl-U', 'empty'],
];
const PROMPT = ' filter: ';

function editLines({ text, cursor, mistake }: NonNullable<Picture['ui']['edit']>, width: number): CellLine[] {
  const room = Math.max(10, width - PROMPT.length - 1);
  // Long ones are moved so that the cursor is seen.
  const first = Math.max(0, cursor - room + 1);
  const shown = text.slice(first);
  const before = clean(shown.slice(0, cursor - first));
  const line: CellLine = [
    span(PROMPT, 'key'),
    span(before),
    span(clean(shown.slice(cursor - first, cursor - first + 1)) || ' ', 'selected'),
    span(clean(shown.slice(cursor - first + 1))),
  ];
  if (mistake === undefined) return [line, keys(WRITING, width)];
  const at = Math.max(0, (mistake.at ?? 0) - first);
  const caret = PROMPT.length + widthOf(clean(shown.slice(0, at)));
  const message = clean(mistake.message);
  // Beside the caret where there is room, else before it.
  if (caret + 2 + widthOf(message) <= width)
    return [line, [span(' '.repeat(caret)), span('^ ', 'deny'), span(message, 'deny')]];
  return [line, [span(' '.repeat(caret)), span('^', 'deny')], [span(` ${message}`, 'deny')]];
}
