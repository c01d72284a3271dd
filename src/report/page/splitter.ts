import { el } from './dom.js';

/** A bar between the timeline and what is below it, to be dragged, or moved by keys. */
export function splitter(): HTMLElement {
  const bar = el('div', {
    class: 'splitter',
    role: 'separator',
    'aria-orientation': 'horizontal',
    'aria-label': 'height of the timeline',
    tabindex: '0',
  });
  const set = (below: number) => {
    const height = Math.min(window.innerHeight * 0.75, Math.max(90, below));
    document.documentElement.style.setProperty('--below', `${height}px`);
  };
  bar.addEventListener('pointerdown', (event) => {
    bar.setPointerCapture(event.pointerId);
    const move = (moved: PointerEvent) => set(window.innerHeight - moved.clientY);
    bar.addEventListener('pointermove', move);
    bar.addEventListener('pointerup', () => bar.removeEventListener('pointermove', move), { once: true });
  });
  bar.addEventListener('keydown', (event) => {
    const step = event.key === 'ArrowUp' ? 30 : event.key === 'ArrowDown' ? -30 : 0;
    if (step === 0) return;
    event.preventDefault();
    event.stopPropagation();
    set(window.innerHeight - bar.getBoundingClientRect().bottom + step);
  });
  return bar;
}
