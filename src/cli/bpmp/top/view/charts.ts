import type { LatencySpan } from '../../../../bpmp/mediator/index.js';

const ACROSS = ['', '▏', '▎', '▍', '▌', '▋', '▊', '▉'] as const;
const UP = [' ', '▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'] as const;

/** A bar to the right, in eighths of a place; what is more than nothing is seen. */
export function barText(value: number, most: number, width: number): string {
  if (value <= 0 || most <= 0 || width <= 0) return '';
  const eighths = Math.max(1, Math.round((Math.min(value, most) / most) * width * 8));
  return '█'.repeat(Math.floor(eighths / 8)) + ACROSS[eighths % 8];
}

/** Values as columns of one line, the last `width` of them; what is more than nothing is seen. */
export function sparkText(values: readonly number[], width: number): string {
  const shown = values.slice(-width);
  const most = Math.max(1, ...shown);
  const columns = shown.map((value) => UP[value <= 0 ? 0 : Math.max(1, Math.round((value / most) * 8))]);
  return columns.join('').padStart(width);
}

/** Values as columns of several lines, the highest line first. */
export function columnLines(values: readonly number[], height: number): string[] {
  const most = Math.max(1, ...values);
  const eighths = values.map((value) =>
    value <= 0 ? 0 : Math.max(1, Math.round((value / most) * height * 8)),
  );
  return Array.from({ length: height }, (_, row) => {
    const below = (height - 1 - row) * 8;
    return eighths.map((count) => UP[Math.max(0, Math.min(8, count - below))]).join('');
  });
}

/** A bar of a latency histogram: what took from `fromNs` to below `toNs`. */
export interface LatencyBar {
  readonly fromNs: number;
  readonly toNs: number;
  readonly count: number;
}

/** Spans put together to bars of the same factor each, as few doublings as leave no more than `most` bars. */
export function latencyBarsOf(spans: readonly LatencySpan[], most: number): LatencyBar[] {
  const octaveOf = (ns: number) => Math.floor(Math.log2(Math.max(1, ns)));
  const used = spans.filter(({ count }) => count > 0);
  if (used.length === 0) return [];
  const first = octaveOf(used[0]!.fromNs);
  const octaves = octaveOf(used.at(-1)!.fromNs) - first + 1;
  const size = Math.ceil(octaves / Math.max(1, most));
  const counts = new Array<number>(Math.ceil(octaves / size)).fill(0);
  for (const { fromNs, count } of used) counts[Math.floor((octaveOf(fromNs) - first) / size)]! += count;
  return counts.map((count, i) => ({
    fromNs: 2 ** (first + i * size),
    toNs: 2 ** (first + (i + 1) * size),
    count,
  }));
}

/** Counts of `width` columns of equal size on a logarithmic axis from `fromNs` to `toNs`. */
export function logarithmic(
  spans: readonly LatencySpan[],
  fromNs: number,
  toNs: number,
  width: number,
): number[] {
  const columns = new Array<number>(width).fill(0);
  const scale = width / Math.log(toNs / fromNs);
  const placeOf = (ns: number) => Math.log(Math.max(1, ns) / fromNs) * scale;
  for (const span of spans) {
    if (span.count === 0) continue;
    const start = Math.max(0, Math.min(width - 1, placeOf(span.fromNs)));
    const end = Math.max(start + 1e-6, Math.min(width, placeOf(span.toNs)));
    // A bucket that is wider than a column counts in each for its part.
    for (let column = Math.floor(start); column < Math.min(width, end); column++) {
      const part = Math.min(end, column + 1) - Math.max(start, column);
      columns[column]! += (span.count * part) / (end - start);
    }
  }
  return columns;
}
