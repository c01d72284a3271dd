import { type CellLine, clean, fitText, type Span, type Style, span } from './cells.js';

export interface Column<Row> {
  readonly head: string;
  /** Places; of the one that takes what is left, the least. */
  readonly width: number;
  readonly align?: 'left' | 'right';
  /** Takes what is left. */
  readonly grows?: true;
  /** Where there is no room the lowest goes first; those without always stay. */
  readonly keep?: number;
  /** The order that this column stands for. */
  readonly sort?: string;
  cell(row: Row): Span | string;
}

export interface TableOptions {
  readonly width: number;
  /** Lines altogether, the head too. */
  readonly height: number;
  readonly title?: string;
  readonly sort?: string | undefined;
  /** The row that is marked; the table is moved so that it is seen. */
  readonly selected?: number | undefined;
  /** Said where there are no rows. */
  readonly empty: string;
}

const GAP = 1;

/** A head and rows in columns; exactly as many lines as asked for, none wider than asked for. */
export function table<Row>(
  columns: readonly Column<Row>[],
  rows: readonly Row[],
  options: TableOptions,
): CellLine[] {
  const { width, height, selected, empty } = options;
  const shown = fitColumns(columns, options);
  const room = Math.max(0, height - 1);
  const first = firstRow(rows.length, room, selected ?? 0);
  const lines: CellLine[] = [headLine(shown, options)];
  for (const [i, row] of rows.slice(first, first + room).entries())
    lines.push(rowLine(shown, row, first + i === selected));
  if (rows.length === 0 && room > 0) lines.push([span(fitText(empty, width), 'faint')]);
  while (lines.length < height) lines.push([]);
  return lines.slice(0, height);
}

type Placed<Row> = Column<Row> & { readonly places: number };

function fitColumns<Row>(columns: readonly Column<Row>[], { width, sort }: TableOptions): Placed<Row>[] {
  let shown = [...columns];
  const needed = () => shown.reduce((sum, column) => sum + column.width + GAP, -GAP);
  while (needed() > width) {
    const spare = shown
      .filter((column) => column.keep !== undefined && (sort === undefined || column.sort !== sort))
      .sort((a, b) => a.keep! - b.keep!)[0];
    if (spare === undefined) break;
    shown = shown.filter((column) => column !== spare);
  }
  const left = Math.max(0, width - needed());
  const growing = shown.filter(({ grows }) => grows).length;
  return shown.map((column) => ({
    ...column,
    places: column.width + (column.grows ? Math.floor(left / Math.max(1, growing)) : 0),
  }));
}

function headLine<Row>(columns: readonly Placed<Row>[], { title, sort }: TableOptions): CellLine {
  return columns.flatMap((column, i): Span[] => {
    const isSorted = column.sort !== undefined && column.sort === sort;
    const head = i === 0 && title !== undefined ? title : column.head;
    const style: Style = i === 0 && title !== undefined ? 'section' : isSorted ? 'sorted' : 'head';
    const marked = isSorted && !(i === 0 && title !== undefined) ? `▾${head}` : head;
    const text = fitText(marked, column.places, column.align ?? 'right');
    return i === 0 ? [span(text, style)] : [span(' ', 'head'), span(text, style)];
  });
}

function rowLine<Row>(columns: readonly Placed<Row>[], row: Row, isSelected: boolean): CellLine {
  return columns.flatMap((column, i): Span[] => {
    const cell = column.cell(row);
    const { text, style } = typeof cell === 'string' ? span(cell) : cell;
    const fitted = fitText(clean(text), column.places, column.align ?? 'right');
    const shown = isSelected ? span(fitted, 'selected') : span(fitted, style);
    return i === 0 ? [shown] : [span(' '.repeat(GAP), isSelected ? 'selected' : 'plain'), shown];
  });
}

/** As far down as need be for the marked row to be the last. */
function firstRow(count: number, room: number, selected: number): number {
  return Math.max(0, Math.min(selected - room + 1, count - room));
}
