import type { Sort } from '../ui.js';
import type { Line } from './summary.js';

const deniedOf = ({ verdicts }: Line) => verdicts.deny + verdicts.malformed;

/** Each sort's figure, the largest first; equal ones by the next: so that rows do not dance. */
const figures: Readonly<Record<Exclude<Sort, 'name'>, (line: Line) => readonly number[]>> = {
  rate: (line) => [Math.round(line.rate10 * 10), Math.round(line.rate60 * 10), line.count],
  count: (line) => [line.count],
  denied: (line) => [deniedOf(line), line.count],
  latency: (line) => [line.p99Ns, line.count],
  latest: (line) => [line.last === undefined ? 0 : Number(line.last.timeNs / 1_000_000n), line.count],
};

/** A file has stood still: its rate is over all of it. */
const meanRate = (line: Line): readonly number[] => [line.count];

export function ordered<Row extends Line>(rows: readonly Row[], sort: Sort, isLive: boolean): Row[] {
  const byName = (a: Row, b: Row) => (a.title < b.title ? -1 : a.title > b.title ? 1 : 0);
  if (sort === 'name') return [...rows].sort(byName);
  const figureOf = sort === 'rate' && !isLive ? meanRate : figures[sort];
  return rows
    .map((row) => ({ row, figure: figureOf(row) }))
    .sort((a, b) => {
      for (const [i, value] of a.figure.entries()) if (value !== b.figure[i]) return b.figure[i]! - value;
      return byName(a.row, b.row);
    })
    .map(({ row }) => row);
}
