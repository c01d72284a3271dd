import { el, replace } from './dom.js';

/** A few lines beside the pointer. */
export class Tip {
  readonly element = el('div', { class: 'tip', role: 'tooltip', hidden: true });

  show(event: MouseEvent, lines: readonly string[]): void {
    replace(this.element, ...lines.map((line) => el('div', {}, line)));
    this.element.hidden = false;
    const { offsetWidth, offsetHeight } = this.element;
    const right = event.clientX + 14 + offsetWidth > window.innerWidth;
    const low = event.clientY + 18 + offsetHeight > window.innerHeight;
    this.element.style.left = `${right ? Math.max(4, event.clientX - 10 - offsetWidth) : event.clientX + 14}px`;
    this.element.style.top = `${low ? event.clientY - 10 - offsetHeight : event.clientY + 18}px`;
  }

  hide(): void {
    this.element.hidden = true;
  }
}
