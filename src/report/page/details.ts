import { type Field, type FieldValue, fieldsOf } from '../../bpmp/fields/index.js';
import { formatQuantity } from '../../bpmp/wire/index.js';
import { OUTCOME, outcomes } from '../data/outcome.js';
import { firstOf } from './denials.js';
import { el, replace } from './dom.js';
import { clockTime, duration, offset, shortCount } from './format.js';
import { hexDump } from './hex.js';
import { retText } from './ret.js';
import type { State } from './state.js';

/** Shown at the head, or as bytes, already. */
const atHead = new Set([
  'bpmp.request',
  'bpmp.verdict',
  'bpmp.rule',
  'bpmp.ret',
  'bpmp.ret.name',
  'bpmp.latency',
  'bpmp.time',
  'bpmp.tx',
  'bpmp.rx',
  'bpmp.tx.size',
  'bpmp.rx.size',
  'bpmp.hidden',
  'bpmp.observed',
]);

const MOST_REFUSED = 6;

const meanings: Readonly<Record<string, string>> = {
  hidden: 'denied, as the view hides it: every guest asks this as it looks around',
  failed: 'allowed by the policy, refused by the firmware',
  absorb: 'answered with 0, not forwarded',
};

/** Everything that is known of the transfer that is chosen. */
export class Details {
  readonly element = el('aside', { class: 'details', 'aria-label': 'The chosen transfer', tabindex: '0' });
  readonly #state: State;
  readonly #addFilter: (text: string) => void;

  /** @param addFilter narrows the filter by what it is given */
  constructor(state: State, addFilter: (text: string) => void) {
    this.#state = state;
    this.#addFilter = addFilter;
    state.on(['selection'], () => this.#show());
    this.#show();
  }

  #show(): void {
    const { selected: row, store } = this.#state;
    if (row === undefined) {
      replace(this.element, ...this.#nothing());
      return;
    }
    const record = store.record(row);
    const outcome = outcomes[store.outcome[row]!]!;
    const fix = this.#fix(row);
    replace(
      this.element,
      el(
        'div',
        { class: `verdict ${outcome}` },
        outcome === 'failed' ? 'allow' : outcome === 'hidden' ? 'deny' : outcome,
      ),
      el('h2', {}, store.text(row)),
      (meanings[outcome] ?? '') !== '' && el('p', { class: 'meaning' }, meanings[outcome]!),
      this.#links(row),
      el(
        'dl',
        {},
        ...pair('rule', record.rule),
        ...(fix === undefined
          ? []
          : [el('dt', {}, 'to allow it'), el('dd', { class: 'fix' }, el('code', {}, fix))]),
        ...pair(
          'answer',
          `${retText(record.ret)}${record.observed ? ' (the policy was only watching)' : ''}`,
        ),
        ...pair('latency', `${duration(record.latencyNs)}${this.#rank(row)}`),
        ...pair('time', `${offset(store.time[row]!)} s, ${clockTime(record.timeNs)}`),
        ...pair('VM', record.vm),
        ...(record.thread === undefined ? [] : pair('thread', String(record.thread))),
        ...pair('sequence', String(record.sequence)),
      ),
      ...this.#fields(row),
      ...bytesOf('Request', record.tx),
      ...bytesOf('Reply', record.rx),
    );
    this.element.scrollTop = 0;
  }

  /** Where nothing is chosen: what one may want to choose. */
  #nothing(): HTMLElement[] {
    const state = this.#state;
    const most = [...state.store.summary.denials].sort((a, b) => b.count - a.count).slice(0, MOST_REFUSED);
    const items = most.map((denial) =>
      el(
        'li',
        { 'data-outcome': outcomes[denial.outcome]! },
        el('span', { class: 'times' }, `${shortCount(denial.count)}×`),
        el(
          'div',
          {},
          el('button', { type: 'button', onclick: () => state.select(firstOf(state, denial)) }, denial.text),
          el('div', { class: 'meaning' }, denial.rule),
          denial.fix !== undefined && el('div', { class: 'fix' }, el('code', {}, denial.fix)),
        ),
      ),
    );
    const hint = 'Choose a transfer: click a mark above or a line on the left; ';
    return [
      el('p', { class: 'hint' }, hint, el('kbd', {}, 'n'), ' goes to the next one that was refused.'),
      ...(items.length > 0
        ? [el('h3', {}, 'Refused most often'), el('ul', { class: 'most' }, ...items)]
        : []),
    ];
  }

  #fix(row: number): string | undefined {
    const { store } = this.#state;
    if (store.outcome[row] !== OUTCOME.deny) return undefined;
    const [rule, text] = [store.rule(row), store.text(row)];
    return store.summary.denials.find((denial) => denial.rule === rule && denial.text === text)?.fix;
  }

  /** Where it stands among the latencies of its MRQ. */
  #rank(row: number): string {
    const { store } = this.#state;
    const { mrq } = store.embedded.columns;
    let [all, below] = [0, 0];
    for (let each = 0; each < store.length; each++) {
      if (mrq[each] !== mrq[row]) continue;
      all++;
      if (store.latency[each]! < store.latency[row]!) below++;
    }
    return all < 10
      ? ''
      : `, longer than ${((below / all) * 100).toFixed(below / all > 0.99 ? 1 : 0)} % of its MRQ`;
  }

  #links(row: number): HTMLElement {
    const state = this.#state;
    const { store } = state;
    const lane = store.lanes[store.lane[row]!]!;
    const at = store.firstAt(store.time[row]!, lane.rows);
    const place = lane.rows.indexOf(row, Math.max(0, at));
    const link = (text: string, to: number | undefined) =>
      el('button', { type: 'button', disabled: to === undefined, onclick: () => state.select(to) }, text);
    return el(
      'div',
      { class: 'links' },
      link('◂ previous', lane.rows[place - 1]),
      link('next ▸', lane.rows[place + 1]),
      el('span', {}, `of ${lane.id >= 0 ? lane.name : `${lane.group}`}: ${place + 1} of ${lane.rows.length}`),
    );
  }

  #fields(row: number): HTMLElement[] {
    const rows: HTMLElement[] = [];
    for (const [field, values] of fieldsOf(this.#state.store.record(row))) {
      if (atHead.has(field.name)) continue;
      const shown = values.slice(0, 64).map((value) => valueText(field, value));
      const more = values.length > 64 ? ` and ${values.length - 64} more` : '';
      rows.push(
        el(
          'tr',
          {},
          el('th', { scope: 'row', title: field.meaning }, field.name),
          el('td', {}, shown.join(', ') + more),
          el(
            'td',
            {},
            values.length === 1 && !(values[0] instanceof Uint8Array)
              ? el(
                  'button',
                  {
                    type: 'button',
                    class: 'narrow',
                    'aria-label': `only transfers with this ${field.name}`,
                    title: 'only transfers like this',
                    onclick: () => this.#addFilter(`${field.name} == ${literal(values[0]!)}`),
                  },
                  '+',
                )
              : '',
          ),
        ),
      );
    }
    return [el('h3', {}, 'Fields'), el('table', { class: 'fields' }, el('tbody', {}, ...rows))];
  }
}

function pair(name: string, value: string): HTMLElement[] {
  return [el('dt', {}, name), el('dd', {}, value)];
}

function bytesOf(title: string, bytes: Uint8Array): HTMLElement[] {
  const size = `${bytes.length} ${bytes.length === 1 ? 'byte' : 'bytes'}`;
  return [el('h3', {}, `${title}, ${size}`), ...(bytes.length === 0 ? [] : [el('pre', {}, hexDump(bytes))])];
}

function valueText({ unit, type }: Field, value: FieldValue): string {
  if (value instanceof Uint8Array) return hexDump(value.subarray(0, 64));
  if (unit !== undefined && type !== 'string' && Number.isSafeInteger(Number(value)))
    return formatQuantity(Number(value), unit);
  return String(value);
}

/** A value as the filter's language has it. */
export function literal(value: FieldValue): string {
  if (typeof value !== 'string') return String(value);
  return `"${value.replace(/[\\"]/g, '\\$&')}"`;
}
