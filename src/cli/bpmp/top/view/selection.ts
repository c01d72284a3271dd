import type { Line } from '../model/summary.js';

/** Where the marked row is now; the first where it is gone or none was marked. */
export function selectedIndex(rows: readonly Line[], key: number | string | undefined): number {
  return Math.max(
    0,
    rows.findIndex((row) => row.key === key),
  );
}
