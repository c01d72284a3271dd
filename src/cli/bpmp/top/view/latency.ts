import type { LatencySpan } from '../../../../bpmp/mediator/index.js';
import type { Figures, Line } from '../model/summary.js';
import { type CellLine, fitText, type Span, span } from './cells.js';
import { barText, columnLines, latencyBarsOf, logarithmic } from './charts.js';
import { countText, latencyText } from './figures.js';
import { table } from './table.js';

/** A histogram with a line for each doubling of the latency. */
export function latencyBars(spans: readonly LatencySpan[], width: number, height: number): CellLine[] {
  const bars = latencyBarsOf(spans, height - 1);
  const most = Math.max(0, ...bars.map(({ count }) => count));
  const room = width - 8 - 7;
  const lines: CellLine[] = [
    [span(fitText('Latency', width - 8), 'section'), span(fitText('requests', 8, 'right'), 'head')],
  ];
  if (bars.length === 0) lines.push([span('nothing yet', 'faint')]);
  for (const { toNs, count } of bars) {
    lines.push([
      span(`${fitText(`<${latencyText(toNs)}`, 7, 'right')} `, 'faint'),
      span(fitText(barText(count, most, room), room), 'accent'),
      span(fitText(countText(count), 7, 'right'), count === 0 ? 'faint' : 'plain'),
    ]);
  }
  return lines;
}

const MARKS: readonly (readonly [string, (figures: Figures) => number])[] = [
  ['p50', ({ p50Ns }) => p50Ns],
  ['p90', ({ p90Ns }) => p90Ns],
  ['p99', ({ p99Ns }) => p99Ns],
  ['max', ({ maxNs }) => maxNs],
];

/** The whole distribution on a logarithmic axis, with the quantiles under it. */
export function latencyChart(
  spans: readonly LatencySpan[],
  figures: Figures,
  width: number,
  height: number,
): CellLine[] {
  const title: Span[] = [span('Latency', 'section'), span('  requests by how long they took', 'faint')];
  const used = spans.filter(({ count }) => count > 0);
  if (used.length === 0) return [title, [span('nothing yet', 'faint')]];
  // Whole decades, so that the axis is read at a glance.
  const from = 10 ** Math.floor(Math.log10(Math.max(1, used[0]!.fromNs)));
  const to = 10 ** Math.ceil(Math.log10(Math.max(10 * from, figures.maxNs)));
  const chartWidth = Math.max(1, width - 9);
  const columns = logarithmic(spans, from, to, chartWidth);
  const chart = columnLines(columns, Math.max(1, height - 4));
  const most = Math.max(...columns);
  const scale = chart.map((_, row) => (row === 0 ? countText(most) : row === chart.length - 1 ? '0' : ''));
  const placeOf = (ns: number) =>
    Math.max(
      0,
      Math.min(chartWidth - 1, Math.floor((Math.log(ns / from) / Math.log(to / from)) * chartWidth)),
    );
  const decades: [number, string][] = [];
  for (let ns = from; ns <= to; ns *= 10) decades.push([placeOf(ns), latencyText(ns)]);
  return [
    title,
    ...chart.map(
      (line, row): CellLine => [span(`${fitText(scale[row]!, 6, 'right')} `, 'faint'), span(line, 'accent')],
    ),
    [span('       '), span(ruler(decades, chartWidth), 'faint')],
    [span('       '), span(labels(decades, chartWidth + 2), 'faint')],
    [
      span('       '),
      ...MARKS.flatMap(([name, of]) => [span(`${name} `, 'faint'), span(`${latencyText(of(figures))}   `)]),
    ],
  ];
}

function ruler(decades: readonly (readonly [number, string])[], width: number): string {
  const places = new Set(decades.map(([at]) => at));
  return Array.from({ length: width }, (_, at) => (places.has(at) ? '┴' : '─')).join('');
}

function labels(decades: readonly (readonly [number, string])[], width: number): string {
  let line = '';
  for (const [at, text] of decades) {
    const start = Math.min(at, width - text.length);
    if (start < line.length + (line === '' ? 0 : 1)) continue;
    line = line.padEnd(start) + text;
  }
  return line;
}

/** Quantiles of each command, the slowest first. */
export function latencyTable(lines: readonly Line[], width: number, height: number): CellLine[] {
  const quantile = (head: string, of: (line: Line) => number) => ({
    head,
    width: 8,
    cell: (line: Line) => latencyText(of(line)),
  });
  return table<Line>(
    [
      { head: 'command', width: 20, grows: true, align: 'left', cell: ({ title }) => title },
      { head: 'requests', width: 8, cell: ({ count }) => countText(count) },
      quantile('p50', ({ p50Ns }) => p50Ns),
      quantile('p90', ({ p90Ns }) => p90Ns),
      { ...quantile('p99', ({ p99Ns }) => p99Ns), sort: 'latency' },
      quantile('max', ({ maxNs }) => maxNs),
    ],
    lines,
    { width, height, title: 'Slowest commands', sort: 'latency', empty: 'nothing yet' },
  );
}
