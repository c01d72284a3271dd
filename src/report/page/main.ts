import { denialsPanel } from './denials.js';
import { Details } from './details.js';
import { el } from './dom.js';
import { FilterBox } from './filter-box.js';
import { count } from './format.js';
import { header, notices } from './header.js';
import { listenToKeys } from './keys.js';
import { latencyPanel } from './latency-panel.js';
import { readSummary, readTransfers } from './load.js';
import { mapPanel } from './map-panel.js';
import { Overview } from './overview.js';
import { onTheme } from './palette.js';
import { splitter } from './splitter.js';
import { State } from './state.js';
import { Store } from './store.js';
import { Table } from './table.js';
import { tabs } from './tabs.js';
import { Timeline } from './timeline.js';

const summary = readSummary();
let filter: FilterBox | undefined;
const loading = el(
  'p',
  { class: 'loading', role: 'status' },
  `Reading ${count(summary.kept.rows)} transfers …`,
);
// The figures first: they need none of what is read after them.
document.body.append(
  header(summary, (text) => filter?.set(text)),
  loading,
);
const said = notices(summary);
if (said) loading.before(said);

document.addEventListener('DOMContentLoaded', () => {
  readTransfers().then(
    (embedded) => start(new Store(summary, embedded)),
    (error: unknown) => {
      loading.textContent = `The transfers in this page cannot be read (${String(error)}): is the file whole?`;
      loading.classList.add('failed');
    },
  );
});

function start(store: Store): void {
  const state = new State(store);
  const box = new FilterBox(state);
  filter = box;
  const overview = new Overview(state);
  const timeline = new Timeline(state);
  const table = new Table(state);
  const refused = summary.denials.reduce((sum, denial) => sum + denial.count, summary.otherDenials);
  const panels = tabs([
    { name: 'Transfers', content: table.element },
    {
      name: `Refused (${count(refused)})`,
      content: () => denialsPanel(state, () => panels.show('Transfers')),
    },
    { name: 'Latencies', content: () => latencyPanel(state) },
    ...(summary.memoryMap === undefined
      ? []
      : [{ name: 'Memory map', content: () => mapPanel(summary.memoryMap!) }]),
  ]);
  const details = new Details(state, (text) => box.narrow(text));
  const dialog = listenToKeys(state, { focusFilter: () => box.focus(), step: (by) => table.step(by) });
  const keys = el(
    'button',
    { type: 'button', class: 'keys', onclick: () => dialog.showModal() },
    'Keys ',
    el('kbd', {}, '?'),
  );
  box.element.append(keys);
  loading.replaceWith(
    box.element,
    el('div', { class: 'overview-place' }, el('span', {}, 'All'), overview.element),
    timeline.element,
    splitter(),
    el('main', {}, panels.element, details.element),
    dialog,
  );
  onTheme(() => state.tell('theme'));
  window.addEventListener('beforeprint', () => document.body.classList.add('paper'));
  window.addEventListener('afterprint', () => document.body.classList.remove('paper'));
  document.body.dataset.ready = 'true';
  performance.mark('ready');
}
