import type { Column, Graph, GraphBox } from './graph.js';

/** A box with its place on the page, in pixels. */
export interface PlacedBox extends GraphBox {
  readonly x: number;
  readonly y: number;
  readonly width: number;
}

export interface Layout {
  readonly width: number;
  readonly height: number;
  readonly boxes: ReadonlyMap<string, PlacedBox>;
}

/** What stands above each column. */
export const headings: Readonly<Record<Column, string>> = {
  0: 'goes with them',
  1: 'devices',
  2: 'what they use, and who refers to them',
  3: 'others of the host',
};

export const BOX_HEIGHT = 20;
const ROW = 26;
const MARGIN = 24;
const TOP = 124;
const GAP = 130;
const LEGEND_WIDTH = 980;
/** Of one character, in the widest of the fonts that a viewer may take. */
const CHARACTER = 7.3;
const COLUMNS: readonly Column[] = [0, 1, 2, 3];
/** Back and forth so often; more changes nothing that can be seen. */
const SWEEPS = 8;

/** Columns side by side; in each, boxes as near as can be to what they are tied to. */
export function layOut({ boxes, edges }: Graph): Layout {
  const columns = COLUMNS.map((column) => boxes.filter((box) => box.column === column));
  const neighbours = new Map<string, string[]>(boxes.map(({ id }) => [id, []]));
  for (const { from, to } of edges) {
    neighbours.get(from)?.push(to);
    neighbours.get(to)?.push(from);
  }
  const rows = new Map<string, number>();
  for (const column of columns) for (const [row, { id }] of column.entries()) rows.set(id, row);
  for (let sweep = 0; sweep < SWEEPS; sweep++) {
    const order = sweep % 2 === 0 ? columns : [...columns].reverse();
    for (const column of order) settle(column, neighbours, rows);
  }
  return place(columns, rows);
}

/** Sorts a column by where its boxes' neighbours are, and spreads it out around there. */
function settle(
  column: GraphBox[],
  neighbours: ReadonlyMap<string, readonly string[]>,
  rows: Map<string, number>,
): void {
  const wanted = new Map(
    column.map(({ id }) => {
      const near = (neighbours.get(id) ?? []).map((other) => rows.get(other)!);
      return [id, near.length > 0 ? near.reduce((sum, row) => sum + row, 0) / near.length : rows.get(id)!];
    }),
  );
  column.sort((a, b) => wanted.get(a.id)! - wanted.get(b.id)!);
  const total = column.reduce((sum, { id }) => sum + wanted.get(id)!, 0);
  // The column as a whole lies in the middle of what it is tied to, without a gap.
  const first = column.length > 0 ? total / column.length - (column.length - 1) / 2 : 0;
  for (const [at, { id }] of column.entries()) rows.set(id, first + at);
}

function place(columns: readonly (readonly GraphBox[])[], rows: ReadonlyMap<string, number>): Layout {
  const top = Math.min(0, ...rows.values());
  const bottom = Math.max(0, ...rows.values());
  const boxes = new Map<string, PlacedBox>();
  let x = MARGIN;
  for (const column of columns) {
    if (column.length === 0) continue;
    const width = Math.max(headings[column[0]!.column].length * CHARACTER, ...column.map(widthOf));
    for (const box of column)
      boxes.set(box.id, { ...box, x, y: TOP + (rows.get(box.id)! - top) * ROW, width });
    x += width + GAP;
  }
  return {
    width: Math.max(x - GAP + MARGIN, LEGEND_WIDTH),
    height: TOP + (bottom - top + 1) * ROW + MARGIN,
    boxes,
  };
}

function widthOf({ label, detail }: GraphBox): number {
  return Math.ceil((label.length + (detail === undefined ? 0 : detail.length + 2)) * CHARACTER) + 14;
}
