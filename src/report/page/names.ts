import { el, replace } from './dom.js';
import { LINE_HEIGHT } from './draw-lane.js';
import { count, plural, shortCount } from './format.js';
import type { Line } from './lines.js';
import type { State } from './state.js';

/** The names beside the lanes: as many elements as can be seen, used again and again. */
export class Names {
  readonly element = el('div', { class: 'names' });
  readonly #state: State;
  readonly #closed: Set<string>;
  readonly #onFold: () => void;
  #visible: readonly Line[] = [];

  constructor(state: State, closed: Set<string>, onFold: () => void) {
    this.#state = state;
    this.#closed = closed;
    this.#onFold = onFold;
  }

  /** @param top where the first line begins, in pixels */
  show(visible: readonly Line[], top: number): void {
    this.#visible = visible;
    while (this.element.children.length < visible.length) this.#add(this.element.children.length);
    for (const [index, button] of ([...this.element.children] as HTMLElement[]).entries()) {
      const line = visible[index];
      button.hidden = line === undefined;
      if (!line) continue;
      button.style.transform = `translateY(${top + index * LINE_HEIGHT}px)`;
      this.#fill(button, line);
    }
  }

  #add(index: number): void {
    const chosen = () => {
      const line = this.#visible[index];
      if (line?.kind === 'lane') this.#state.setLane(line.lane.number);
      else if (line) {
        if (!this.#closed.delete(line.group)) this.#closed.add(line.group);
        this.#onFold();
      }
    };
    this.element.append(el('button', { type: 'button', onclick: chosen }));
  }

  #fill(button: HTMLElement, line: Line): void {
    const group = line.kind === 'group';
    const chosen = !group && line.lane.number === this.#state.lane;
    const name = group ? line.group : line.lane.name;
    const rows = group ? line.rows : line.lane.shown.length;
    const refused = group ? line.refused : line.lane.refused;
    const folded = group && this.#closed.has(name);
    const text = `${line.kind} ${name} ${rows} ${refused} ${chosen} ${folded}`;
    if (button.dataset.text === text) return;
    button.dataset.text = text;
    button.className = `name ${line.kind}${chosen ? ' chosen' : ''}`;
    if (group) button.removeAttribute('aria-pressed');
    else button.setAttribute('aria-pressed', String(chosen));
    const also = refused > 0 ? `, ${count(refused)} refused` : '';
    button.title = `${name}: ${plural(rows, 'transfer')}${also}`;
    replace(
      button,
      group && el('span', { class: 'fold' }, folded ? '▸' : '▾'),
      el('span', { class: 'label' }, name),
      !group && line.lane.id >= 0 && el('span', { class: 'id' }, String(line.lane.id)),
      refused > 0 && el('span', { class: 'refused' }, shortCount(refused)),
      el('span', { class: 'rows' }, shortCount(rows)),
    );
  }
}
