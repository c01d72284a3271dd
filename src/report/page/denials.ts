import { OUTCOME, outcomes } from '../data/outcome.js';
import type { DenialSummary } from '../data/summary.js';
import { el } from './dom.js';
import { count, offset, plural } from './format.js';
import type { State } from './state.js';

/** What was refused, most often first, by which rule, and what would allow it. */
export function denialsPanel(state: State, showTable: () => void): HTMLElement {
  const { store } = state;
  const { denials, otherDenials } = store.summary;
  if (denials.length === 0) return el('p', { class: 'hint' }, 'Nothing was refused.');
  const vms = store.embedded.tables.vms.length > 1;
  const most = Math.max(...denials.map((denial) => denial.count));
  const rows = denials.map((denial) => {
    const go = () => {
      showTable();
      state.select(firstOf(state, denial));
    };
    return el(
      'tr',
      { 'data-outcome': outcomes[denial.outcome]! },
      el('td', { class: 'number' }, meter(denial.count / most), count(denial.count)),
      el('td', {}, el('button', { type: 'button', class: 'request', onclick: go }, denial.text)),
      vms && el('td', {}, denial.vm),
      el('td', {}, denial.rule),
      el('td', {}, denial.fix !== undefined && el('code', {}, denial.fix)),
      el('td', { class: 'number' }, offset(denial.firstNs).slice(0, -4)),
      el('td', { class: 'number' }, denial.count > 1 ? offset(denial.lastNs).slice(0, -4) : ''),
    );
  });
  return el(
    'div',
    { class: 'panel' },
    el(
      'table',
      { class: 'listing' },
      el(
        'thead',
        {},
        el(
          'tr',
          {},
          ...[
            'Times',
            'Request',
            ...(vms ? ['VM'] : []),
            'Rule',
            'Would be allowed by',
            'First, s',
            'Last, s',
          ].map((title) => el('th', { scope: 'col' }, title)),
        ),
      ),
      el('tbody', {}, ...rows),
    ),
    otherDenials > 0 &&
      el('p', { class: 'hint' }, `and ${plural(otherDenials, 'refused transfer')} of other kinds`),
    denials.some(({ outcome, fix }) => outcome === OUTCOME.deny && fix === undefined) &&
      el(
        'p',
        { class: 'hint' },
        'Where no line is given, none can allow it, or the report was made without --vm and --policy.',
      ),
  );
}

/** The first transfer of a kind that was refused, if the page has it. */
export function firstOf(state: State, { outcome, rule, text, firstNs }: DenialSummary): number | undefined {
  const { store } = state;
  return state.neighbour(store.firstAt(firstNs) - 1, 1, (row) => {
    return store.outcome[row] === outcome && store.rule(row) === rule && store.text(row) === text;
  });
}

/** A bar as long as a share of the most. */
export function meter(share: number): HTMLElement {
  const bar = el('span', { class: 'meter', 'aria-hidden': 'true' });
  bar.style.width = `${Math.max(1.5, share * 60)}px`;
  return bar;
}
