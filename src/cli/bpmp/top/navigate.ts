import { ordered } from './model/order.js';
import { focusOf, panes, sorts, type TableName, tables, type Ui } from './ui.js';
import { isLive, type Picture } from './view/picture.js';

/** Where a key leads among panes, tables and rows; the same place for a key that leads nowhere. */
export function navigated(ui: Ui, key: string, picture: Picture, page: number): Ui {
  const step = { up: -1, k: -1, down: 1, j: 1, pageup: -page, pagedown: page, home: -1e9, end: 1e9 }[key];
  if (ui.opened) {
    if (key === 'escape' || key === 'left' || key === 'backspace')
      return { ...ui, opened: undefined, scroll: 0 };
    const most = Math.max(0, (picture.opened?.transfers.length ?? 0) - 1);
    if (step !== undefined) return { ...ui, scroll: clamp(ui.scroll + step, most) };
  }
  const focus = focusOf(ui);
  const number = /^[1-6]$/.test(key) ? Number(key) - 1 : undefined;
  if (number !== undefined) return toPane(ui, number);
  if (key === 'tab') return toPane(ui, panes.indexOf(ui.pane) + 1);
  if (key === 'shift-tab') return toPane(ui, panes.indexOf(ui.pane) - 1);
  if (key === 'left' || key === 'right') {
    const by = key === 'left' ? -1 : 1;
    return ui.pane === 'overview' ? toTable(ui, by, picture) : toPane(ui, panes.indexOf(ui.pane) + by);
  }
  if (focus === undefined) {
    const most = Math.max(0, (picture.facts?.holdings?.length ?? 0) - 1);
    return step === undefined || ui.pane !== 'holdings'
      ? ui
      : { ...ui, scroll: clamp(ui.scroll + step, most) };
  }
  if (key === 's' || key === 'S') {
    const known = sorts[focus];
    const next = known.indexOf(ui.sort[focus]) + (key === 's' ? 1 : known.length - 1);
    return { ...ui, sort: { ...ui.sort, [focus]: known[next % known.length]! } };
  }
  if (step !== undefined) return marked(ui, focus, picture, step);
  if (key === 'enter') {
    const chosen = rowsOf(focus, picture)[indexOf(ui, focus, picture)]?.key;
    if (chosen === undefined) return ui;
    return {
      ...ui,
      opened: { table: focus, key: chosen },
      scroll: 0,
      selected: { ...ui.selected, [focus]: chosen },
    };
  }
  return ui;
}

function rowsOf(table: TableName, picture: Picture) {
  return ordered(picture.summary[table], picture.ui.sort[table], isLive(picture));
}

function indexOf(ui: Ui, table: TableName, picture: Picture): number {
  return Math.max(
    0,
    rowsOf(table, picture).findIndex(({ key }) => key === ui.selected[table]),
  );
}

function marked(ui: Ui, table: TableName, picture: Picture, step: number): Ui {
  const rows = rowsOf(table, picture);
  if (rows.length === 0) return ui;
  // In the overview nothing is marked at first: the first arrow marks the first row.
  const isFirst = ui.pane === 'overview' && ui.selected[table] === undefined;
  const at = isFirst ? 0 : clamp(indexOf(ui, table, picture) + step, rows.length - 1);
  return { ...ui, selected: { ...ui.selected, [table]: rows[at]!.key } };
}

function toPane(ui: Ui, index: number): Ui {
  return { ...ui, pane: panes[(index + panes.length) % panes.length]!, opened: undefined, scroll: 0 };
}

function toTable(ui: Ui, by: number, picture: Picture): Ui {
  const focus = tables[(tables.indexOf(ui.focus) + by + tables.length) % tables.length]!;
  const selected = ui.selected[focus] ?? rowsOf(focus, picture)[0]?.key;
  return { ...ui, focus, selected: { ...ui.selected, [focus]: selected } };
}

function clamp(value: number, most: number): number {
  return Math.max(0, Math.min(most, value));
}
