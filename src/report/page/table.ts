import { outcomes } from '../data/outcome.js';
import { el, oncePerFrame, replace, whenQuiet } from './dom.js';
import { count, duration, offset } from './format.js';
import { retText } from './ret.js';
import type { State } from './state.js';
import type { Store } from './store.js';

const ROW = 22;
/** Browsers know no element that is higher. */
const MOST_HIGH = 15_000_000;

interface Column {
  readonly title: string;
  readonly key: string;
  readonly text: (store: Store, row: number) => string;
  /** Absent where rows are not sorted by it. */
  readonly order?: (store: Store) => (a: number, b: number) => number;
}

const columns: readonly Column[] = [
  {
    key: 'time',
    title: 'Time, s',
    text: ({ time }, row) => offset(time[row]!),
    order: () => (a, b) => a - b,
  },
  { key: 'vm', title: 'VM', text: (store, row) => store.vm(row) },
  {
    key: 'outcome',
    title: 'Verdict',
    text: ({ outcome }, row) => outcomes[outcome[row]!]!,
    order:
      ({ outcome }) =>
      (a, b) =>
        outcome[b]! - outcome[a]! || a - b,
  },
  {
    key: 'request',
    title: 'Request',
    text: (store, row) => store.text(row),
    order: (store) => (a, b) => store.lane[a]! - store.lane[b]! || a - b,
  },
  {
    key: 'ret',
    title: 'Answer',
    text: ({ embedded }, row) => retText(embedded.columns.ret[row]!),
    order:
      ({ embedded }) =>
      (a, b) =>
        embedded.columns.ret[a]! - embedded.columns.ret[b]! || a - b,
  },
  {
    key: 'latency',
    title: 'Latency',
    text: ({ latency }, row) => duration(latency[row]!),
    order:
      ({ latency }) =>
      (a, b) =>
        latency[b]! - latency[a]! || a - b,
  },
  { key: 'rule', title: 'Rule', text: (store, row) => withoutFolder(store.rule(row)) },
];

/** `gpu.yaml:17 clocks.GPC0CLK`: where its policy lies is in the details. */
function withoutFolder(rule: string): string {
  return rule.replace(/^\S*\/(?=[^\s/]+:\d+ )/, '');
}

/** The transfers in view as a list, of which only the lines to be seen are elements. */
export class Table {
  readonly element: HTMLElement;
  readonly #state: State;
  readonly #body = el('div', { class: 'table-body' });
  readonly #space = el('div', { class: 'table-space' });
  readonly #head = el('div', { class: 'table-head', role: 'row' });
  readonly #scroll: HTMLElement;
  readonly #note = el('div', { class: 'table-note', 'aria-live': 'polite' });
  readonly #shown: readonly Column[];
  readonly #draw: () => void;
  #order: Column = columns[0]!;
  #rows: Uint32Array = new Uint32Array(0);

  constructor(state: State) {
    this.#state = state;
    this.#shown = columns.filter(({ key }) => key !== 'vm' || state.store.embedded.tables.vms.length > 1);
    this.#draw = oncePerFrame(() => this.#paint());
    this.#scroll = el(
      'div',
      { class: 'table-scroll', onscroll: this.#draw },
      this.#head,
      this.#space,
      this.#body,
    );
    this.element = el(
      'div',
      {
        class: `table${this.#shown.length < columns.length ? ' one-vm' : ''}`,
        role: 'grid',
        'aria-label': 'Transfers',
        tabindex: '0',
        onkeydown: (event: KeyboardEvent) => this.#key(event),
      },
      this.#scroll,
      this.#note,
    );
    this.#body.addEventListener('click', (event) => {
      const line = (event.target as Element).closest('[data-row]');
      if (line) state.select(Number(line.getAttribute('data-row')));
    });
    const sorted = whenQuiet(() => this.#collect(), 120);
    state.on(['range', 'filter', 'lane'], () => (this.#order.key === 'time' ? this.#collect() : sorted()));
    state.on(['selection'], () => this.#reveal());
    new ResizeObserver(this.#draw).observe(this.#scroll);
    this.#showHead();
    this.#collect();
  }

  #showHead(): void {
    replace(
      this.#head,
      ...this.#shown.map((column) =>
        el(
          'div',
          {
            role: 'columnheader',
            class: `cell ${column.key}`,
            'aria-sort': column === this.#order ? 'ascending' : undefined,
          },
          column.order
            ? el('button', { type: 'button', onclick: () => this.#sort(column) }, column.title)
            : column.title,
        ),
      ),
    );
  }

  #sort(column: Column): void {
    this.#order = column;
    this.#showHead();
    this.#collect();
    this.#scroll.scrollTop = 0;
  }

  #collect(): void {
    const { store } = this.#state;
    const rows = this.#state.rowsInView();
    this.#rows = this.#order.key === 'time' ? rows : rows.slice().sort(this.#order.order!(store));
    this.#space.style.height = `${Math.min(MOST_HIGH, this.#rows.length * ROW)}px`;
    this.element.setAttribute('aria-rowcount', String(this.#rows.length + 1));
    this.#note.textContent =
      this.#rows.length === 0
        ? 'No transfer here: zoom out (0), or change the filter.'
        : `${count(this.#rows.length)} of ${count(store.length)} transfers`;
    this.#draw();
  }

  /** Rows for each row's height of scrolling: one, unless the list is higher than an element can be. */
  get #stretch(): number {
    return Math.max(1, (this.#rows.length * ROW) / MOST_HIGH);
  }

  #paint(): void {
    const { store, selected } = this.#state;
    const { scrollTop, clientHeight } = this.#scroll;
    const top = (scrollTop * this.#stretch) / ROW;
    const first = Math.floor(top);
    const last = Math.min(this.#rows.length, first + Math.ceil(clientHeight / ROW) + 1);
    const wanted = Math.max(0, last - first);
    while (this.#body.children.length < wanted) this.#body.append(this.#line());
    for (const [index, line] of ([...this.#body.children] as HTMLElement[]).entries()) {
      line.hidden = index >= wanted;
      if (line.hidden) continue;
      const row = this.#rows[first + index]!;
      line.style.transform = `translateY(${scrollTop + (first + index - top) * ROW}px)`;
      line.classList.toggle('selected', row === selected);
      line.setAttribute('aria-selected', String(row === selected));
      if (line.getAttribute('data-row') === String(row)) continue;
      line.setAttribute('data-row', String(row));
      line.setAttribute('aria-rowindex', String(first + index + 2));
      line.setAttribute('data-outcome', outcomes[store.outcome[row]!]!);
      for (const [at, column] of this.#shown.entries())
        line.children[at]!.textContent = column.text(store, row);
    }
  }

  #line(): HTMLElement {
    return el(
      'div',
      { class: 'line', role: 'row' },
      ...this.#shown.map(({ key }) => el('div', { class: `cell ${key}`, role: 'gridcell' })),
    );
  }

  #placeOf(row: number): number {
    if (this.#order.key !== 'time') return this.#rows.indexOf(row);
    const at = this.#rows.findIndex((each) => each >= row);
    return this.#rows[at] === row ? at : -1;
  }

  #reveal(): void {
    const { selected } = this.#state;
    const at = selected === undefined ? -1 : this.#placeOf(selected);
    if (at >= 0) {
      const y = (at * ROW) / this.#stretch;
      const { scrollTop, clientHeight } = this.#scroll;
      if (y < scrollTop || y > scrollTop + clientHeight - 2 * ROW)
        this.#scroll.scrollTop = y - clientHeight / 2;
    }
    this.#draw();
  }

  /** Goes so many lines on from the selected transfer. */
  step(by: number): void {
    const { selected } = this.#state;
    const at = selected === undefined ? -1 : this.#placeOf(selected);
    const top = Math.floor((this.#scroll.scrollTop * this.#stretch) / ROW);
    const next = at >= 0 || !Number.isFinite(by) ? at + by : top;
    const row = this.#rows[Math.min(this.#rows.length - 1, Math.max(0, next))];
    if (row !== undefined) this.#state.select(row);
  }

  #key(event: KeyboardEvent): void {
    const page = Math.max(1, Math.floor(this.#scroll.clientHeight / ROW) - 1);
    const steps: Readonly<Record<string, number>> = {
      ArrowDown: 1,
      ArrowUp: -1,
      PageDown: page,
      PageUp: -page,
      Home: Number.NEGATIVE_INFINITY,
      End: Number.POSITIVE_INFINITY,
    };
    const by = steps[event.key];
    if (by === undefined) return;
    event.preventDefault();
    event.stopPropagation();
    this.step(by);
  }
}
