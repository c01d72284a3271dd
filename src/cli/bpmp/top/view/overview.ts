import { beside, type CellLine, fitLines } from './cells.js';
import { holdingsTable } from './holdings.js';
import { latencyBars } from './latency.js';
import type { Picture } from './picture.js';
import { block } from './tables.js';

const GAP = 2;
const LEAST_BARS = 8;
const LEAST_ROWS = 4;

/** Commands and latency, resources and what is held, and under them what was refused. */
export function overviewPane(picture: Picture, width: number, height: number): CellLine[] {
  const left = Math.floor(width * 0.6);
  const right = width - left - GAP;
  const { summary, facts } = picture;
  const [top, bottom, refusals] = heightsOf(
    [
      Math.max(summary.commands.length, LEAST_BARS),
      Math.max(summary.resources.length, facts?.holdings?.length ?? 0, LEAST_ROWS),
      Math.max(summary.refusals.length, LEAST_ROWS),
    ],
    height - 2,
  );
  return [
    ...beside(
      [
        { lines: block(picture, 'commands', left, top), width: left },
        { lines: latencyBars(picture.summary.spans, right, top), width: right },
      ],
      GAP,
    ),
    [],
    ...beside(
      [
        { lines: block(picture, 'resources', left, bottom), width: left },
        { lines: holdingsTable(picture, right, bottom), width: right },
      ],
      GAP,
    ),
    [],
    ...fitLines(block(picture, 'refusals', width, refusals), refusals),
  ];
}

/** Lines with the head of each block, as many as its rows are; where there is no room the longest gives way. */
function heightsOf(rows: readonly [number, number, number], height: number): [number, number, number] {
  const heights: [number, number, number] = [rows[0] + 1, rows[1] + 1, rows[2] + 1];
  let over = heights[0] + heights[1] + heights[2] - Math.max(0, height);
  // A table may be a thousand rows long.
  for (const [i, lines] of heights.entries()) {
    const cut = Math.min(over, Math.max(0, lines - Math.max(0, height)));
    heights[i] = lines - cut;
    over -= cut;
  }
  for (; over > 0; over--) heights[heights.lastIndexOf(Math.max(...heights))]!--;
  return heights.map((lines) => Math.max(0, lines)) as [number, number, number];
}
