import type { Store } from './store.js';

type Change = 'range' | 'filter' | 'selection' | 'lane' | 'theme';

/** What the reader looks at, which all parts of the page share. */
export class State {
  from = 0;
  to: number;
  /** Rows that the filter leaves, by time. */
  matched: Uint32Array;
  filtered = false;
  selected: number | undefined;
  /** The lane that the table is narrowed to. */
  lane: number | undefined;
  readonly #listeners: { readonly changes: readonly Change[]; readonly run: () => void }[] = [];

  constructor(readonly store: Store) {
    this.to = store.end;
    this.matched = Uint32Array.from({ length: store.length }, (_, row) => row);
  }

  on(changes: readonly Change[], run: () => void): void {
    this.#listeners.push({ changes, run });
  }

  tell(change: Change): void {
    for (const { changes, run } of this.#listeners) if (changes.includes(change)) run();
  }

  /** Shows a stretch of time, within what there is and no shorter than some ns. */
  show(from: number, to: number): void {
    const { end } = this.store;
    const length = Math.min(end, Math.max(200, to - from));
    const start = Math.min(Math.max(0, from), end - length);
    if (start === this.from && start + length === this.to) return;
    this.from = Math.max(0, start);
    this.to = this.from + length;
    this.tell('range');
  }

  showAll(): void {
    this.show(0, this.store.end);
  }

  /** Zooms by a factor around a time that stays where it is. */
  zoom(factor: number, around: number): void {
    this.show(around - (around - this.from) * factor, around + (this.to - around) * factor);
  }

  pan(share: number): void {
    const by = (this.to - this.from) * share;
    this.show(this.from + by, this.to + by);
  }

  select(row: number | undefined): void {
    this.selected = row;
    if (row !== undefined) {
      const at = this.store.time[row]!;
      const length = this.to - this.from;
      if (at < this.from || at > this.to) this.show(at - length / 2, at + length / 2);
    }
    this.tell('selection');
  }

  setLane(lane: number | undefined): void {
    this.lane = this.lane === lane ? undefined : lane;
    this.tell('lane');
  }

  /** @param wanted undefined for everything */
  setFilter(wanted: Uint8Array | undefined): void {
    const { store } = this;
    this.filtered = wanted !== undefined;
    this.matched = wanted
      ? Uint32Array.from({ length: store.length }, (_, row) => row).filter((row) => wanted[row] === 1)
      : Uint32Array.from({ length: store.length }, (_, row) => row);
    for (const lane of store.lanes)
      lane.shown = wanted ? lane.rows.filter((row) => wanted[row] === 1) : lane.rows;
    this.tell('filter');
  }

  /** The rows that the table lists: in the stretch of time, left by the filter, in the lane if one is chosen. */
  rowsInView(): Uint32Array {
    const { store } = this;
    const rows = this.lane === undefined ? this.matched : store.lanes[this.lane]!.shown;
    return rows.subarray(store.firstAt(this.from, rows), store.firstAt(this.to + 0.5, rows));
  }

  /** The nearest row after (or before) another one for which `wanted` holds. */
  neighbour(from: number, step: 1 | -1, wanted: (row: number) => boolean): number | undefined {
    for (let row = from + step; row >= 0 && row < this.store.length; row += step) if (wanted(row)) return row;
    return undefined;
  }
}
