import { OUTCOME } from '../data/outcome.js';
import { el } from './dom.js';
import type { State } from './state.js';

export const help: readonly (readonly [string, string])[] = [
  ['wheel', 'zoom in and out in time; over the names, or with Shift: scroll'],
  ['drag', 'zoom to a stretch; with Shift: move'],
  ['double click, 0', 'all of it'],
  ['← →', 'move in time'],
  ['+ −', 'zoom'],
  ['n N', 'next, previous refused or failed transfer'],
  ['j k', 'next, previous transfer of the list'],
  ['[ ]', 'previous, next transfer of the same resource'],
  ['z', 'zoom to around the chosen transfer'],
  ['/', 'to the filter'],
  ['Esc', 'choose nothing; all resources'],
  ['?', 'this list'],
];

export interface Actions {
  focusFilter(): void;
  step(by: number): void;
}

/** One key each, wherever nothing is being typed. */
export function listenToKeys(state: State, actions: Actions): HTMLDialogElement {
  const dialog = el(
    'dialog',
    { 'aria-label': 'keys' },
    el('h2', {}, 'Pointer and keys'),
    el(
      'dl',
      { class: 'keys-list' },
      ...help.flatMap(([key, meaning]) => [el('dt', {}, el('kbd', {}, key)), el('dd', {}, meaning)]),
    ),
    el('form', { method: 'dialog' }, el('button', {}, 'Close')),
  );
  const { store } = state;
  const middle = () => (state.from + state.to) / 2;
  const notable = (step: 1 | -1) => {
    const wanted = state.filtered ? new Set(state.matched) : undefined;
    const start = state.selected ?? (step === 1 ? store.firstAt(state.from) - 1 : store.firstAt(state.to));
    const row = state.neighbour(
      start,
      step,
      (each) => store.outcome[each]! >= OUTCOME.failed && wanted?.has(each) !== false,
    );
    if (row !== undefined) state.select(row);
  };
  const sameLane = (step: 1 | -1) => {
    if (state.selected === undefined) return;
    const { rows } = store.lanes[store.lane[state.selected]!]!;
    const row = rows[rows.indexOf(state.selected) + step];
    if (row !== undefined) state.select(row);
  };
  const keys: Readonly<Record<string, () => void>> = {
    ArrowLeft: () => state.pan(-0.2),
    ArrowRight: () => state.pan(0.2),
    '+': () => state.zoom(0.5, middle()),
    '=': () => state.zoom(0.5, middle()),
    '-': () => state.zoom(2, middle()),
    '0': () => state.showAll(),
    n: () => notable(1),
    N: () => notable(-1),
    j: () => actions.step(1),
    k: () => actions.step(-1),
    '[': () => sameLane(-1),
    ']': () => sameLane(1),
    z: () => {
      if (state.selected === undefined) return;
      const at = store.time[state.selected]!;
      const length = Math.max(1e6, store.end / 200);
      state.show(at - length / 2, at + length / 2);
    },
    '/': () => actions.focusFilter(),
    Escape: () => {
      state.select(undefined);
      if (state.lane !== undefined) state.setLane(state.lane);
    },
    '?': () => dialog.showModal(),
  };
  document.addEventListener('keydown', (event) => {
    const target = event.target as Element;
    if (event.ctrlKey || event.metaKey || event.altKey || dialog.open) return;
    if (target.matches('input, select, textarea')) {
      if (event.key === 'Escape') (target as HTMLElement).blur();
      return;
    }
    const run = keys[event.key];
    if (!run) return;
    event.preventDefault();
    run();
  });
  return dialog;
}
