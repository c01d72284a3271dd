/** What the screen shows of, from left to right. */
export const panes = ['overview', 'commands', 'resources', 'refusals', 'latency', 'holdings'] as const;
export type Pane = (typeof panes)[number];

export const paneTitles: Readonly<Record<Pane, string>> = {
  overview: 'Overview',
  commands: 'Commands',
  resources: 'Resources',
  refusals: 'Denials',
  latency: 'Latency',
  holdings: 'Holdings',
};

/** The tables whose rows can be marked and opened. */
export const tables = ['commands', 'resources', 'refusals'] as const;
export type TableName = (typeof tables)[number];

export const sorts: Readonly<Record<TableName, readonly Sort[]>> = {
  commands: ['rate', 'count', 'denied', 'latency', 'name'],
  resources: ['rate', 'count', 'denied', 'latency', 'name'],
  refusals: ['latest', 'rate', 'count', 'name'],
};
export type Sort = 'rate' | 'count' | 'denied' | 'latency' | 'latest' | 'name';

/** A filter that is being written. */
export interface Edit {
  readonly text: string;
  /** Characters before the cursor. */
  readonly cursor: number;
  readonly mistake?: Mistake | undefined;
}

export interface Mistake {
  readonly message: string;
  /** Characters before the place that is meant. */
  readonly at?: number;
}

export interface Choice {
  readonly name: string;
  readonly state: string;
  readonly detail: string;
}

/** All that keys change. */
export interface Ui {
  readonly pane: Pane;
  /** The overview's table that arrows move in. */
  readonly focus: TableName;
  readonly sort: Readonly<Record<TableName, Sort>>;
  /** By key, so that the mark stays with its row; the first row where nothing was chosen. */
  readonly selected: Readonly<Record<TableName, number | string | undefined>>;
  readonly opened?: { readonly table: TableName; readonly key: number | string } | undefined;
  /** Lines that were passed in what has no rows to mark. */
  readonly scroll: number;
  readonly filter: string;
  readonly edit?: Edit | undefined;
  readonly pausedMs?: number | undefined;
  readonly help: boolean;
  readonly choice?: { readonly vms: readonly Choice[]; readonly at: number } | undefined;
  /** Said once, until the next key. */
  readonly note?: string | undefined;
}

export const firstUi: Ui = {
  pane: 'overview',
  focus: 'resources',
  sort: { commands: 'rate', resources: 'rate', refusals: 'latest' },
  selected: { commands: undefined, resources: undefined, refusals: undefined },
  scroll: 0,
  filter: '',
  help: false,
};

/** The table that arrows move in: the pane's own, or the overview's focus. */
export function focusOf({ pane, focus }: Pick<Ui, 'pane' | 'focus'>): TableName | undefined {
  if (pane === 'overview') return focus;
  return pane === 'commands' || pane === 'resources' || pane === 'refusals' ? pane : undefined;
}
