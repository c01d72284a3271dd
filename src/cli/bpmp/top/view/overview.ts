import { beside, type CellLine, fitLines } from './cells.js';
import { holdingsTable } from './holdings.js';
import { latencyBars } from './latency.js';
import type { Picture } from './picture.js';
import { block } from './tables.js';

const GAP = 2;

/** Commands and latency, resources and what is held, and under them what was refused. */
export function overviewPane(picture: Picture, width: number, height: number): CellLine[] {
  const left = Math.floor(width * 0.6);
  const right = width - left - GAP;
  const refusals = Math.max(4, Math.min(picture.summary.refusals.length + 1, Math.floor(height / 4)));
  const rest = height - refusals - 2;
  const top = Math.ceil(rest / 2);
  const bottom = rest - top;
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
