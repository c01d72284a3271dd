import { focusOf } from '../ui.js';
import { type CellLine, clean, fitText, type Span, span, widthOf } from './cells.js';
import type { Picture } from './picture.js';

/** What keys do here; or the filter that is being written, with its mistake under the place that is meant. */
export function footerLines(picture: Picture, width: number): CellLine[] {
  const { ui, notice } = picture;
  if (ui.edit) return editLines(ui.edit, width);
  const said = ui.note ?? notice;
  const lines: CellLine[] = said === undefined ? [] : [[span(fitText(clean(said), width), 'accent')]];
  return [...lines, hints(picture)];
}

function hints({ ui, origin }: Picture): CellLine {
  if (ui.choice)
    return keys([
      ['↑↓', ''],
      ['Enter', 'choose'],
      ['Esc', 'back'],
      ['q', 'quit'],
    ]);
  if (ui.help) return keys([['any key', 'back']]);
  if (ui.opened)
    return keys([
      ['Esc', 'back'],
      ['↑↓', 'transfers'],
      ['f', 'filter'],
      ['p', pause(ui.pausedMs)],
      ['?', 'help'],
      ['q', 'quit'],
    ]);
  const focus = focusOf(ui);
  return keys([
    ['Tab', 'pane'],
    ...(focus
      ? ([
          ['Enter', 'open'],
          ['s', `sort: ${ui.sort[focus]}`],
        ] as const)
      : []),
    ['f', 'filter'],
    ['p', pause(ui.pausedMs)],
    ['r', 'reset'],
    ...(origin.kind === 'vm' ? ([['v', 'VM']] as const) : []),
    ['?', 'help'],
    ['q', 'quit'],
  ]);
}

function pause(pausedMs: number | undefined): string {
  return pausedMs === undefined ? 'pause' : 'go on';
}

function keys(pairs: readonly (readonly [string, string])[]): CellLine {
  return pairs.flatMap(([key, meaning], i): Span[] => [
    span(i === 0 ? ' ' : '  '),
    span(key, 'key'),
    span(meaning === '' ? '' : ` ${meaning}`),
  ]);
}

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
  if (mistake === undefined) {
    return [
      line,
      keys([
        ['Enter', 'use it'],
        ['Esc', 'leave as it was'],
        ['Ctrl-U', 'empty'],
      ]),
    ];
  }
  const at = Math.max(0, (mistake.at ?? 0) - first);
  const caret = PROMPT.length + widthOf(clean(shown.slice(0, at)));
  const message = clean(mistake.message);
  // Beside the caret where there is room, else before it.
  if (caret + 2 + widthOf(message) <= width)
    return [line, [span(' '.repeat(caret)), span('^ ', 'deny'), span(message, 'deny')]];
  return [line, [span(' '.repeat(caret)), span('^', 'deny')], [span(` ${message}`, 'deny')]];
}
