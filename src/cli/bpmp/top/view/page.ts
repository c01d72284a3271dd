import { ordered } from '../model/order.js';
import type { RefusalLine } from '../model/summary.js';
import { type CellLine, fitLine, fold, span } from './cells.js';
import { activityColumns, commandColumn, lastColumn, refusalColumns, resourceColumn } from './columns.js';
import { headerLines } from './header.js';
import { holdingsTable } from './holdings.js';
import { latencyChart } from './latency.js';
import { isLive, type Picture } from './picture.js';
import { type Column, table } from './table.js';

const MOST_ROWS = 20;
const MOST_FIXES = 10;
const CHART_LINES = 10;

/** Everything one under the other, for whoever has no screen: as long as it takes, within bounds. */
export function page(picture: Picture, width: number): CellLine[] {
  const { summary } = picture;
  const live = isLive(picture);
  const list = <Row>(title: string, columns: readonly Column<Row>[], rows: readonly Row[], empty: string) => [
    ...table(columns, rows, {
      width,
      height: Math.min(MOST_ROWS, Math.max(1, rows.length)) + 1,
      title,
      empty,
    }),
    ...(rows.length > MOST_ROWS
      ? [[span(`… and ${rows.length - MOST_ROWS} more`, 'faint')] as CellLine]
      : []),
    [],
  ];
  const refusals = ordered(summary.refusals, 'count', live);
  const lines: CellLine[] = [
    ...headerLines(picture, width).slice(0, 3),
    [],
    ...list(
      'Commands',
      activityColumns(live, commandColumn),
      ordered(summary.commands, 'count', live),
      'none',
    ),
    ...list(
      'Resources',
      [...activityColumns(live, resourceColumn), lastColumn],
      ordered(summary.resources, 'count', live),
      'none',
    ),
    ...list('Denials', refusalColumns(live), refusals, 'nothing was refused'),
    ...fixLines(picture, refusals, width),
    ...latencyChart(summary.spans, summary.all, width, CHART_LINES),
  ];
  const held = picture.facts?.holdings;
  if (held) lines.push([], ...holdingsTable(picture, width, Math.max(1, held.length) + 1));
  return lines.map((line) => fitLine(line, width));
}

function fixLines({ fixOf, summary }: Picture, refusals: readonly RefusalLine[], width: number): CellLine[] {
  const fixes = new Set(refusals.flatMap(({ last }) => (last && fixOf(last)) ?? []));
  const lines: CellLine[] = [];
  if (fixes.size > 0) lines.push([span('To allow what was denied, add to the policy', 'section')]);
  for (const fix of [...fixes].slice(0, MOST_FIXES))
    for (const line of fold(fix, width - 2)) lines.push([span('  '), span(line, 'accent')]);
  if (fixes.size > MOST_FIXES) lines.push([span(`  … and ${fixes.size - MOST_FIXES} more`, 'faint')]);
  if (summary.hidden > 0)
    lines.push([
      span(`${summary.hidden} requests asked for what the view hides, which is no offence`, 'faint'),
    ]);
  return lines.length > 0 ? [...lines, []] : [];
}
