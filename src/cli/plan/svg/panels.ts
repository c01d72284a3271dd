import type { MapEntry } from '../../../vm/plan/index.js';

/** A stretch of the address space that is drawn at a scale of its own. */
export interface Panel {
  /** A, B, C … */
  readonly letter: string;
  readonly from: bigint;
  readonly size: bigint;
  /** Drawn in it, each where it is; what is too small for a name of its own may be in a cluster besides. */
  readonly entries: readonly MapEntry[];
  readonly clusters: readonly Cluster[];
}

/** Ranges too small and too near to each other to be told apart at a panel's scale. */
export interface Cluster {
  readonly from: bigint;
  readonly size: bigint;
  readonly entries: readonly MapEntry[];
  /** The letter of the panel that shows them larger; undefined where there are enough panels. */
  letter?: string;
}

/** In pixels. */
export const PANEL_HEIGHT = 520;
/** What is less high than its name, in pixels, is shown larger in another panel. */
export const LINE_HEIGHT = 15;
const MAX_PANELS = 12;
const LETTERS = 'ABCDEFGHIJKL';

/** The whole address space, then, again and again, the parts of it that are too small to be seen. */
export function panelsOf(map: readonly MapEntry[]): Panel[] {
  if (map.length === 0) return [];
  const end = endOf(map);
  const panels: Panel[] = [];
  const waiting: { from: bigint; size: bigint; cluster?: Cluster }[] = [{ from: 0n, size: roundUp(end) }];
  for (let next = waiting.shift(); next && panels.length < MAX_PANELS; next = waiting.shift()) {
    const { from, size, cluster } = next;
    const letter = LETTERS[panels.length]!;
    if (cluster) cluster.letter = letter;
    const panel = panelOf(letter, from, size, map);
    panels.push(panel);
    for (const each of panel.clusters) {
      const range = around(each);
      // A panel that would show no more than this one is no help.
      if (range.size < size) waiting.push({ ...range, cluster: each });
    }
  }
  return panels;
}

function panelOf(letter: string, from: bigint, size: bigint, map: readonly MapEntry[]): Panel {
  const entries = map.filter((entry) => entry.address < from + size && from < entry.address + entry.size);
  return { letter, from, size, entries, clusters: clustersOf(entries, size) };
}

/** Runs of small ranges with less than a line between them; one that stands alone is named where it is. */
function clustersOf(entries: readonly MapEntry[], panelSize: bigint): Cluster[] {
  const line = (panelSize * BigInt(LINE_HEIGHT)) / BigInt(PANEL_HEIGHT);
  const runs: MapEntry[][] = [];
  let end: bigint | undefined;
  for (const entry of entries.filter(({ size }) => size < line)) {
    if (end !== undefined && entry.address - end < line) runs.at(-1)!.push(entry);
    else runs.push([entry]);
    const last = entry.address + entry.size;
    if (end === undefined || last > end) end = last;
  }
  return runs
    .filter((run) => run.length > 1)
    .map((run) => {
      const from = run[0]!.address;
      const last = endOf(run);
      return { from, size: last - from, entries: run };
    });
}

/** A round stretch around a cluster. */
function around({ from, size }: Cluster): { from: bigint; size: bigint } {
  const step = roundUp(size) / 16n || 1n;
  const start = (from / step) * step;
  const end = ((from + size + step - 1n) / step) * step;
  return { from: start, size: end - start };
}

function roundUp(value: bigint): bigint {
  return 1n << BigInt((value - 1n).toString(2).length);
}

/** Behind the last of them. */
function endOf(entries: readonly MapEntry[]): bigint {
  let end = 0n;
  for (const { address, size } of entries) if (address + size > end) end = address + size;
  return end;
}
