import { ordered } from '../model/order.js';
import { type CellLine, fitLine, span } from './cells.js';
import { activityColumns, commandColumn, lastColumn, refusalColumns, resourceColumn } from './columns.js';
import { countText } from './figures.js';
import { isLive, type Picture } from './picture.js';
import { selectedIndex } from './selection.js';
import { table } from './table.js';

/** Commands or resources with all their columns. */
export function activityPane(
  picture: Picture,
  name: 'commands' | 'resources',
  width: number,
  height: number,
): CellLine[] {
  const { ui, summary } = picture;
  const rows = ordered(summary[name], ui.sort[name], isLive(picture));
  const columns = activityColumns(isLive(picture), name === 'commands' ? commandColumn : resourceColumn);
  const { rows: evicted, count } = summary.evicted[name];
  const below: CellLine[] =
    evicted === 0
      ? []
      : [
          [
            span(
              `${countText(evicted)} more that were rarer made room; they had ${countText(count)} requests`,
              'faint',
            ),
          ],
        ];
  return [
    ...table(name === 'commands' ? columns : [...columns, lastColumn], rows, {
      width,
      height: height - below.length,
      sort: ui.sort[name],
      selected: rows.length > 0 ? selectedIndex(rows, ui.selected[name]) : undefined,
      empty: 'nothing yet',
    }),
    ...below.map((line) => fitLine(line, width)),
  ];
}

/** The overview's form of a table: its title, and few columns. */
export function block(
  picture: Picture,
  name: 'commands' | 'resources' | 'refusals',
  width: number,
  height: number,
): CellLine[] {
  const { ui, summary } = picture;
  const isMarked = ui.focus === name && ui.selected[name] !== undefined;
  const options = { width, height, sort: ui.sort[name] };
  if (name === 'refusals') {
    const rows = ordered(summary.refusals, ui.sort.refusals, isLive(picture));
    const hidden =
      summary.hidden > 0 ? `nothing (${countText(summary.hidden)} hidden by the view)` : 'nothing';
    return table(refusalColumns(isLive(picture)), rows, {
      ...options,
      title: 'Denials',
      empty: hidden,
      selected: isMarked ? selectedIndex(rows, ui.selected.refusals) : undefined,
    });
  }
  const rows = ordered(summary[name], ui.sort[name], isLive(picture));
  const named = name === 'commands' ? commandColumn : resourceColumn;
  return table(activityColumns(isLive(picture), named), rows, {
    ...options,
    title: name === 'commands' ? 'Commands' : 'Resources',
    empty: 'nothing yet',
    selected: isMarked ? selectedIndex(rows, ui.selected[name]) : undefined,
  });
}
