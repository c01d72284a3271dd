import { el } from './dom.js';

export interface Tab {
  readonly name: string;
  readonly content: HTMLElement | (() => HTMLElement);
}

/** Several panels in one place; each is made when it is first looked at. */
export function tabs(all: readonly Tab[]): { element: HTMLElement; show(name: string): void } {
  const made = new Map<string, HTMLElement>();
  const place = el('div', { class: 'tab-content' });
  const buttons = all.map(({ name }) =>
    el('button', { type: 'button', role: 'tab', onclick: () => show(name) }, name),
  );
  const list = el('div', { class: 'tab-list', role: 'tablist' }, ...buttons);
  list.addEventListener('keydown', (event) => {
    const step = event.key === 'ArrowRight' ? 1 : event.key === 'ArrowLeft' ? -1 : 0;
    if (step === 0) return;
    event.stopPropagation();
    const at = buttons.findIndex((button) => button.getAttribute('aria-selected') === 'true');
    const next = (at + step + all.length) % all.length;
    show(all[next]!.name);
    buttons[next]!.focus();
  });
  const show = (wanted: string) => {
    for (const [index, { name, content }] of all.entries()) {
      const chosen = name === wanted;
      buttons[index]!.setAttribute('aria-selected', String(chosen));
      buttons[index]!.tabIndex = chosen ? 0 : -1;
      let panel = made.get(name);
      if (chosen && !panel) {
        panel = typeof content === 'function' ? content() : content;
        panel.setAttribute('role', panel.getAttribute('role') ?? 'tabpanel');
        made.set(name, panel);
        place.append(panel);
      }
      if (panel) panel.hidden = !chosen;
    }
  };
  show(all[0]!.name);
  return { element: el('section', { class: 'tabs' }, list, place), show };
}
