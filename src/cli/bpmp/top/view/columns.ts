import type { Figures, Line, RefusalLine } from '../model/summary.js';
import { retName, shortRequestLine, shortRule } from '../request-line.js';
import { span } from './cells.js';
import { clockText, countText, latencyText, rateText } from './figures.js';
import type { Column } from './table.js';

const quiet = (value: number, text: string) => (value === 0 ? span(text, 'faint') : span(text));
const faint = (text: string) => span(text, 'faint');

type Verdicts = keyof Figures['verdicts'];

function count(verdict: Verdicts, head: string, keep: number): Column<Line> {
  return {
    head,
    width: 6,
    keep,
    ...(verdict === 'deny' ? { sort: 'denied' } : {}),
    cell: ({ verdicts }) =>
      verdicts[verdict] === 0 ? faint('·') : span(countText(verdicts[verdict]), verdict),
  };
}

function latency(head: string, of: (line: Line) => number, keep: number, sort?: string): Column<Line> {
  return { head, width: 6, keep, ...(sort ? { sort } : {}), cell: (line) => latencyText(of(line)) };
}

const rates: readonly Column<Line>[] = [
  { head: 'now', width: 6, cell: ({ rate1 }) => quiet(rate1, rateText(rate1)) },
  { head: '10 s', width: 6, keep: 4, sort: 'rate', cell: ({ rate10 }) => quiet(rate10, rateText(rate10)) },
  { head: '60 s', width: 6, keep: 7, cell: ({ rate60 }) => quiet(rate60, rateText(rate60)) },
];
const means: readonly Column<Line>[] = [
  { head: 'per s', width: 6, sort: 'rate', cell: ({ mean }) => quiet(mean, rateText(mean)) },
  { head: 'peak', width: 6, keep: 4, cell: ({ peak }) => countText(peak) },
];

/** Columns of commands and of resources, without what only one of them has. */
export function activityColumns(isLive: boolean, named: Column<Line>): Column<Line>[] {
  return [
    named,
    ...(isLive ? rates : means),
    { head: 'total', width: 6, sort: 'count', cell: (line) => countText(line.count) },
    count('allow', 'allow', 1),
    count('absorb', 'absorb', 2),
    count('deny', 'deny', 8),
    count('malformed', 'malf.', 3),
    latency('p50', ({ p50Ns }) => p50Ns, 6),
    latency('p90', ({ p90Ns }) => p90Ns, 0),
    latency('p99', ({ p99Ns }) => p99Ns, 5, 'latency'),
    latency('max', ({ maxNs }) => maxNs, 0),
  ];
}

export const commandColumn: Column<Line> = {
  head: 'command',
  width: 18,
  grows: true,
  align: 'left',
  sort: 'name',
  cell: ({ title }) => title,
};

export const resourceColumn: Column<Line> = { ...commandColumn, head: 'resource' };

/** What was asked of it last, and what the answer said. */
export const lastColumn: Column<Line> = {
  head: 'last',
  width: 24,
  grows: true,
  align: 'left',
  keep: 2,
  cell: ({ last }) => (last === undefined ? '' : faint(shortRequestLine(last))),
};

export function refusalColumns(isLive: boolean): Column<RefusalLine>[] {
  return [
    {
      head: 'last at',
      width: 8,
      align: 'left',
      sort: 'latest',
      cell: ({ last }) => faint(last === undefined ? '' : clockText(Number(last.timeNs / 1_000_000n))),
    },
    {
      head: 'times',
      width: 6,
      sort: 'count',
      cell: (line) => countText(line.count),
    },
    ...(isLive
      ? [
          {
            head: '60 s',
            width: 6,
            keep: 2,
            sort: 'rate',
            cell: ({ rate60 }: RefusalLine) => quiet(rate60, rateText(rate60)),
          },
        ]
      : []),
    {
      head: 'answer',
      width: 8,
      align: 'left',
      cell: ({ verdict, ret }) => span(answerText(verdict, ret), verdict),
    },
    { head: 'request', width: 26, grows: true, align: 'left', sort: 'name', cell: ({ title }) => title },
    {
      head: 'by',
      width: 20,
      grows: true,
      align: 'left',
      keep: 3,
      cell: ({ rule }) => faint(shortRule(rule)),
    },
  ];
}

function answerText(verdict: RefusalLine['verdict'], ret: number): string {
  return ret === 0 ? verdict : retName(ret);
}
