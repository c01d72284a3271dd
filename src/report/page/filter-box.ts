import { el, replace, whenQuiet } from './dom.js';
import { count, plural } from './format.js';
import { compile, matchAll, mistakeText } from './match.js';
import type { State } from './state.js';

const examples: readonly (readonly [string, string])[] = [
  ['refused', 'bpmp.verdict in {"deny", "malformed"} && bpmp.hidden == false'],
  [
    'changes',
    'bpmp.cmd.name in {"ENABLE", "DISABLE", "SET_RATE", "SET_PARENT", "ASSERT", "DEASSERT", "MODULE", "SET_STATE"}',
  ],
  ['slow', 'bpmp.latency > 1ms'],
  ['errors', 'bpmp.ret < 0'],
];

/** The line that narrows everything below it. */
export class FilterBox {
  readonly element: HTMLElement;
  readonly #state: State;
  readonly #input: HTMLInputElement;
  readonly #said = el('output', { class: 'said', 'aria-live': 'polite' });
  readonly #mistake = el('pre', { class: 'mistake', role: 'alert', hidden: true });
  #run = 0;

  constructor(state: State) {
    this.#state = state;
    const typed = whenQuiet(() => void this.#apply(), 150);
    this.#input = el('input', {
      type: 'search',
      id: 'filter',
      spellcheck: 'false',
      autocomplete: 'off',
      placeholder: 'words, or fields: bpmp.clk.name == "GPUSYS" && bpmp.verdict == "deny"',
      'aria-label': 'filter',
      oninput: typed,
    });
    this.element = el(
      'div',
      { class: 'filter', role: 'search' },
      el('label', { for: 'filter' }, 'Filter'),
      el('div', { class: 'field' }, this.#input, this.#mistake),
      ...examples.map(([name, text]) =>
        el('button', { type: 'button', title: text, onclick: () => this.set(text) }, name),
      ),
      this.#said,
    );
    state.on(['lane'], () => this.#say());
    this.#say();
  }

  focus(): void {
    this.#input.focus();
    this.#input.select();
  }

  set(text: string): void {
    this.#input.value = text;
    void this.#apply();
  }

  /** Only what fits this too. */
  narrow(text: string): void {
    const before = this.#input.value.trim();
    this.set(before.includes('bpmp.') ? `(${before}) && ${text}` : text);
  }

  async #apply(): Promise<void> {
    const run = ++this.#run;
    const { store } = this.#state;
    const compiled = compile(this.#input.value, store);
    this.#showMistake('mistake' in compiled ? compiled.mistake : undefined);
    if ('mistake' in compiled) return;
    let wanted: Uint8Array | undefined;
    try {
      wanted = compiled.matches && (await matchAll(compiled.matches, store.length, () => run !== this.#run));
    } catch (error) {
      this.#showMistake(mistakeText(error));
      return;
    }
    if (run !== this.#run) return;
    this.#state.setFilter(wanted);
    this.#say();
  }

  #showMistake(mistake: string | undefined): void {
    this.#mistake.hidden = mistake === undefined;
    this.#mistake.textContent = mistake ?? '';
    this.#input.setAttribute('aria-invalid', String(mistake !== undefined));
  }

  #say(): void {
    const { matched, filtered, store, lane } = this.#state;
    const only = lane === undefined ? undefined : store.lanes[lane]!;
    replace(
      this.#said,
      filtered ? `${count(matched.length)} of ${plural(store.length, 'transfer')}` : '',
      only &&
        el(
          'button',
          {
            type: 'button',
            class: 'chip',
            title: 'show all resources again',
            onclick: () => this.#state.setLane(lane),
          },
          `only ${only.group === only.name ? '' : `${only.group} `}${only.name} ✕`,
        ),
    );
  }
}
