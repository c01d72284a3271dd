import { ordered } from '../model/order.js';
import { type CellLine, fitLine, fitLines } from './cells.js';
import { chooserPane } from './chooser.js';
import { footerLines } from './footer.js';
import { filterLine, HEADER_LINES, headerLines } from './header.js';
import { helpPane } from './help.js';
import { holdingsPane } from './holdings.js';
import { latencyChart, latencyTable } from './latency.js';
import { openedPane } from './opened.js';
import { overviewPane } from './overview.js';
import { isLive, type Picture, type Size } from './picture.js';
import { refusalsPane } from './refusals.js';
import { activityPane } from './tables.js';

/** A whole screen: exactly as many lines as it has, each exactly as wide. */
export function screen(picture: Picture, { columns, rows }: Size): CellLine[] {
  const width = Math.max(1, columns);
  const footer = footerLines(picture, width);
  const height = Math.max(0, rows - HEADER_LINES - 1 - footer.length);
  const lines = [
    ...headerLines(picture, width),
    filterLine(picture, width),
    ...fitLines(inside(content(picture, width - 2, height)), height),
    ...footer,
  ];
  return fitLines(lines.slice(0, rows), rows).map((line) => fitLine(line, width));
}

/** A place free at the left, as in the header. */
function inside(lines: readonly CellLine[]): CellLine[] {
  return lines.map((line) => [{ text: ' ', style: 'plain' as const }, ...line]);
}

function content(picture: Picture, width: number, height: number): CellLine[] {
  const { ui, opened } = picture;
  if (ui.choice) return chooserPane(ui.choice, width, height);
  if (ui.help) return helpPane();
  if (opened) return openedPane(picture, opened, width, height);
  switch (ui.pane) {
    case 'overview':
      return overviewPane(picture, width, height);
    case 'commands':
    case 'resources':
      return activityPane(picture, ui.pane, width, height);
    case 'refusals':
      return refusalsPane(picture, width, height);
    case 'latency':
      return latencyPane(picture, width, height);
    case 'holdings':
      return holdingsPane(picture, width, height);
  }
}

function latencyPane(picture: Picture, width: number, height: number): CellLine[] {
  const { summary } = picture;
  const chart = latencyChart(summary.spans, summary.all, width, Math.ceil(height * 0.6));
  const rows = ordered(summary.commands, 'latency', isLive(picture));
  return [...chart, [], ...latencyTable(rows, width, height - chart.length - 1)];
}
