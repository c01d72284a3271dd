import { OUTCOME, outcomes } from '../data/outcome.js';
import { Canvas } from './canvas.js';
import { oncePerFrame } from './dom.js';
import { palette } from './palette.js';
import type { State } from './state.js';

const EDGE = 6;

/** The whole span: how much happened when, what of it was refused, and the window that the rest of the page shows. */
export class Overview {
  readonly element: HTMLElement;
  readonly #canvas: Canvas;
  readonly #state: State;
  readonly #draw: () => void;
  /** By outcome and pixel, weighted. */
  #density: Float64Array[] = [];
  #counted = 0;

  constructor(state: State) {
    this.#state = state;
    this.#draw = oncePerFrame(() => this.#paint());
    this.#canvas = new Canvas(
      'All transfers over time; the window shows the stretch that is drawn below',
      this.#draw,
    );
    this.element = this.#canvas.element;
    this.element.classList.add('overview');
    state.on(['range', 'theme', 'selection'], this.#draw);
    state.on(['filter'], () => {
      this.#counted = 0;
      this.#draw();
    });
    this.#listen();
  }

  #paint(): void {
    const { width, height } = this.#canvas;
    const { store, from, to } = this.#state;
    if (width === 0) return;
    const context = this.#canvas.clear();
    const colours = palette();
    this.#count();
    const totals = new Float64Array(width);
    for (const density of this.#density) for (let x = 0; x < width; x++) totals[x]! += density[x]!;
    const most = totals.reduce((a, b) => Math.max(a, b), 1);
    const room = height - 12;
    // By the square root: one refusal among thousands is still to be seen.
    for (let x = 0; x < width; x++) {
      if (totals[x] === 0) continue;
      let y = height;
      const tall = Math.max(2, Math.sqrt(totals[x]! / most) * room);
      for (const [outcome, density] of this.#density.entries()) {
        if (density[x] === 0) continue;
        const part = (density[x]! / totals[x]!) * tall;
        context.fillStyle = colours.outcomes[outcome]!;
        context.globalAlpha = outcome === OUTCOME.hidden ? 0.45 : 0.9;
        context.fillRect(x, y - part, 1, part);
        y -= part;
      }
      context.globalAlpha = 1;
      for (const outcome of [OUTCOME.malformed, OUTCOME.deny]) {
        if (this.#density[outcome]![x] === 0) continue;
        context.fillStyle = colours.outcomes[outcome]!;
        context.fillRect(x - 0.5, 1, 2, 6);
      }
    }
    context.fillStyle = colours.dim;
    for (const { atNs } of store.summary.lost.gaps) {
      const x = (atNs / store.end) * width;
      for (let y = 0; y < height; y += 4) context.fillRect(x, y, 1, 2);
    }
    const [left, right] = [(from / store.end) * width, (to / store.end) * width];
    context.fillStyle = colours.back;
    context.globalAlpha = 0.62;
    context.fillRect(0, 0, left, height);
    context.fillRect(right, 0, width - right, height);
    context.globalAlpha = 1;
    context.strokeStyle = colours.accent;
    context.lineWidth = 1.5;
    context.strokeRect(left + 0.75, 0.75, Math.max(2, right - left - 1.5), height - 1.5);
    context.fillStyle = colours.accent;
    context.fillRect(left - 1, height / 2 - 8, 4, 16);
    context.fillRect(right - 3, height / 2 - 8, 4, 16);
  }

  #count(): void {
    const { width } = this.#canvas;
    if (this.#counted === width) return;
    this.#counted = width;
    const { store, matched } = this.#state;
    this.#density = outcomes.map(() => new Float64Array(width));
    const scale = width / store.end;
    for (const row of matched) {
      const x = Math.min(width - 1, Math.floor(store.time[row]! * scale));
      this.#density[store.outcome[row]!]![x]! += store.weight(row);
    }
  }

  /** Dragging the window moves it, its edges make it longer or shorter, elsewhere a new one begins. */
  #listen(): void {
    const { element } = this;
    const state = this.#state;
    const timeAt = (event: MouseEvent) =>
      (Math.min(Math.max(0, event.offsetX), this.#canvas.width) / this.#canvas.width) * state.store.end;
    const gripOf = (event: MouseEvent) => {
      const scale = this.#canvas.width / state.store.end;
      const [left, right] = [state.from * scale, state.to * scale];
      if (Math.abs(event.offsetX - left) < EDGE) return 'from';
      if (Math.abs(event.offsetX - right) < EDGE) return 'to';
      const all = state.from <= 0 && state.to >= state.store.end;
      return event.offsetX > left && event.offsetX < right && !all ? 'move' : 'new';
    };
    element.addEventListener('pointerdown', (event) => {
      if (event.button !== 0) return;
      element.setPointerCapture(event.pointerId);
      const grip = gripOf(event);
      const start = timeAt(event);
      const { from, to } = state;
      const move = (moved: PointerEvent) => {
        const at = timeAt(moved);
        if (grip === 'move') state.show(from + at - start, to + at - start);
        else if (grip === 'from') state.show(Math.min(at, to), Math.max(at, to));
        else if (grip === 'to') state.show(Math.min(at, from), Math.max(at, from));
        else if (Math.abs(at - start) > state.store.end / 500)
          state.show(Math.min(at, start), Math.max(at, start));
      };
      element.addEventListener('pointermove', move);
      element.addEventListener('pointerup', () => element.removeEventListener('pointermove', move), {
        once: true,
      });
    });
    element.addEventListener('pointermove', (event) => {
      const grip = gripOf(event);
      element.style.cursor = grip === 'move' ? 'grab' : grip === 'new' ? 'crosshair' : 'ew-resize';
    });
    element.addEventListener('dblclick', () => state.showAll());
    element.addEventListener(
      'wheel',
      (event) => {
        event.preventDefault();
        state.zoom(2 ** (event.deltaY / 300), timeAt(event));
      },
      { passive: false },
    );
  }
}
