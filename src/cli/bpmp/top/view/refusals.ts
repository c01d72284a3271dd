import { ordered } from '../model/order.js';
import type { RefusalLine } from '../model/summary.js';
import { type CellLine, clean, fold, span } from './cells.js';
import { refusalColumns } from './columns.js';
import { isLive, type Picture } from './picture.js';
import { selectedIndex } from './selection.js';
import { table } from './table.js';

/** Refusals, and for the marked one which rule said so and what would allow it. */
export function refusalsPane(picture: Picture, width: number, height: number): CellLine[] {
  const { ui, summary } = picture;
  const rows = ordered(summary.refusals, ui.sort.refusals, isLive(picture));
  const at = selectedIndex(rows, ui.selected.refusals);
  const about = rows[at] === undefined ? [] : aboutLines(picture, rows[at], width, Math.floor(height / 2));
  const hidden = summary.hidden > 0 ? `, ${summary.hidden} more asked for what the view hides` : '';
  const main = table(refusalColumns(isLive(picture)), rows, {
    width,
    height: height - about.length,
    sort: ui.sort.refusals,
    selected: rows.length > 0 ? at : undefined,
    empty: `nothing was refused${hidden}`,
  });
  return [...main, ...about];
}

function aboutLines({ fixOf, summary }: Picture, row: RefusalLine, width: number, most: number): CellLine[] {
  const lines: CellLine[] = [[], [span('Why  ', 'section'), span(clean(row.rule))]];
  const fix = row.last === undefined ? undefined : fixOf(row.last);
  if (fix !== undefined) {
    const text = fold(fix, width - 5);
    lines.push([span('To allow it, add to the policy:', 'faint')]);
    for (const line of text) lines.push([span('     '), span(line, 'accent')]);
  }
  if (summary.hidden > 0)
    lines.push([span(`${summary.hidden} more asked for what the view hides, which is no offence`, 'faint')]);
  return lines.slice(0, most);
}
