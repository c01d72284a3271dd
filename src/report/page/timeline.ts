import { Canvas } from './canvas.js';
import { el, oncePerFrame } from './dom.js';
import { drawHeld, drawLane, type Held, LINE_HEIGHT } from './draw-lane.js';
import { drawLatency, type LogScale, logScaleOf } from './draw-latency.js';
import { ticks, tickText } from './format.js';
import { heldByLane } from './held.js';
import { type Line, linesOf, type Order, orders } from './lines.js';
import { Names } from './names.js';
import { palette } from './palette.js';
import { Pointed } from './pointed.js';
import { listenToPointer } from './pointer.js';
import type { State } from './state.js';

const AXIS = 20;

/** Axis, latencies and a lane for each resource, all over the same stretch of time. */
export class Timeline {
  readonly element: HTMLElement;
  readonly #state: State;
  readonly #axis: Canvas;
  readonly #latency: Canvas;
  readonly #lanes: Canvas;
  readonly #names: Names;
  readonly #view = el('div', { class: 'lanes-view' });
  readonly #space = el('div', { class: 'lanes-space' });
  readonly #scroll: HTMLElement;
  readonly #scale: LogScale;
  readonly #held: ReadonlyMap<number, Held>;
  readonly #closed = new Set<string>();
  readonly #draw: () => void;
  #order: Order;
  #lines: Line[] = [];
  /** A stretch that is being dragged over, in pixels. */
  band: readonly [number, number] | undefined;

  constructor(state: State) {
    this.#state = state;
    // What was refused is what one looks for; where nothing was, the order of events says most.
    this.#order = state.store.lanes.some(({ refused }) => refused > 0) ? 'denials' : 'first';
    this.#draw = oncePerFrame(() => this.paint());
    this.#scale = logScaleOf(state.store.log);
    this.#held = heldByLane(state.store);
    this.#names = new Names(state, this.#closed, () => this.#arrange());
    this.#axis = new Canvas('Time since the first transfer', this.#draw);
    this.#latency = new Canvas('Latency of each transfer over time, on a logarithmic scale', this.#draw);
    this.#lanes = new Canvas(
      'Transfers by resource over time; the same as text is in the table below',
      this.#draw,
    );
    const select = el(
      'select',
      { 'aria-label': 'order of the lanes', onchange: () => this.#sort(select.value as Order) },
      ...Object.entries(orders).map(([value, text]) =>
        el('option', { value, selected: value === this.#order }, `by ${text}`),
      ),
    );
    this.#view.append(this.#names.element, this.#lanes.element);
    this.#scroll = el('div', { class: 'lanes', onscroll: this.#draw }, this.#view, this.#space);
    this.#axis.element.classList.add('axis');
    this.#latency.element.classList.add('latency');
    this.element = el(
      'section',
      { class: 'timeline', 'aria-label': 'Timeline', tabindex: '0' },
      el('div', { class: 'corner' }, 'Resources', select),
      this.#axis.element,
      el(
        'div',
        { class: 'latency-name' },
        'Latency',
        el('span', { class: 'key p50' }, 'half below'),
        el('span', { class: 'key p99' }, '99 of 100 below'),
      ),
      this.#latency.element,
      this.#scroll,
    );
    new ResizeObserver(() => this.#fit()).observe(this.#scroll);
    state.on(['range', 'theme', 'selection', 'lane'], this.#draw);
    state.on(['filter'], () => this.#arrange());
    const listen = (canvas: Canvas, pointed?: Pointed) => {
      if (pointed) this.element.append(pointed.tip.element);
      listenToPointer(canvas, state, this, pointed, canvas === this.#lanes ? this.#scroll : undefined);
    };
    listen(this.#axis);
    listen(this.#latency, new Pointed(state, this.#latency, { scale: this.#scale }));
    listen(this.#lanes, new Pointed(state, this.#lanes, { lineAt: (y) => this.lineAt(y) }));
    this.#arrange();
  }

  redraw(): void {
    this.#draw();
  }

  #sort(order: Order): void {
    this.#order = order;
    this.#arrange();
  }

  #arrange(): void {
    this.#lines = linesOf(this.#state, this.#order, this.#closed);
    this.#space.style.height = `${this.#lines.length * LINE_HEIGHT}px`;
    this.#draw();
  }

  #fit(): void {
    this.#scroll.style.setProperty('--view', `${this.#scroll.clientHeight}px`);
    this.#draw();
  }

  paint(): void {
    this.#paintAxis();
    const { width, height } = this.#latency;
    const context = this.#latency.clear();
    if (width > 0) drawLatency(context, this.#state, this.#scale, width, height, palette());
    this.#overlay(this.#latency, this.#latencyDot());
    this.#paintLanes();
  }

  #paintAxis(): void {
    const { width } = this.#axis;
    const { from, to } = this.#state;
    const context = this.#axis.clear();
    const colours = palette();
    const { values, step } = ticks(from, to, width / 110);
    context.textAlign = 'center';
    for (const value of values) {
      const x = this.#x(value, width);
      context.fillStyle = colours.line;
      context.fillRect(x, AXIS - 5, 1, 5);
      context.fillStyle = colours.dim;
      // Between near neighbours the whole of it would say too little: so many µs after the left edge.
      const far = value / step > 1e5;
      const text = far ? `+${tickText(value - values[0]!, step)}` : tickText(value, step);
      const half = context.measureText(text).width / 2;
      context.fillText(text, Math.min(width - half, Math.max(half, x)), 8);
    }
    this.#overlay(this.#axis);
  }

  #paintLanes(): void {
    const { width, height } = this.#lanes;
    const colours = palette();
    const context = this.#lanes.clear();
    const top = this.#scroll.scrollTop;
    const first = Math.floor(top / LINE_HEIGHT);
    const visible = this.#lines.slice(first, first + Math.ceil(height / LINE_HEIGHT) + 1);
    for (const [index, line] of visible.entries()) {
      const y = (first + index) * LINE_HEIGHT - top;
      if (line.kind === 'group') {
        context.fillStyle = colours.band;
        context.fillRect(0, y, width, LINE_HEIGHT - 1);
        continue;
      }
      if (line.lane.number === this.#state.lane) {
        context.fillStyle = colours.band;
        context.fillRect(0, y, width, LINE_HEIGHT);
      }
      context.fillStyle = colours.line;
      context.fillRect(0, y + LINE_HEIGHT - 1, width, 1);
      const held = this.#held.get(line.lane.number);
      if (held) drawHeld(context, this.#state, held, y, width, colours);
      drawLane(context, this.#state, line.lane, y, Math.floor(width), colours);
    }
    const { selected, store } = this.#state;
    const lane =
      selected === undefined
        ? -1
        : this.#lines.findIndex((line) => line.kind === 'lane' && line.lane.number === store.lane[selected]);
    this.#overlay(this.#lanes, lane < 0 ? undefined : lane * LINE_HEIGHT - top + LINE_HEIGHT / 2);
    this.#names.show(visible, first * LINE_HEIGHT - top);
  }

  /** The selected transfer, where something is missing, and what is being dragged over. */
  #overlay(canvas: Canvas, dot?: number): void {
    const { context, width, height } = canvas;
    const { selected, store, from, to } = this.#state;
    const colours = palette();
    context.fillStyle = colours.dim;
    for (const { atNs } of store.summary.lost.gaps) {
      if (atNs < from || atNs > to) continue;
      for (let y = 0; y < height; y += 6) context.fillRect(this.#x(atNs, width), y, 1, 3);
    }
    if (this.band) {
      context.fillStyle = colours.accent;
      context.globalAlpha = 0.18;
      context.fillRect(this.band[0], 0, this.band[1] - this.band[0], height);
      context.globalAlpha = 1;
    }
    if (selected === undefined) return;
    const x = this.#x(store.time[selected]!, width);
    if (x < 0 || x > width) return;
    context.fillStyle = colours.accent;
    context.fillRect(Math.round(x), 0, 1, height);
    if (dot === undefined) return;
    context.strokeStyle = colours.accent;
    context.lineWidth = 2;
    context.beginPath();
    context.arc(Math.round(x) + 0.5, dot, 7, 0, 2 * Math.PI);
    context.stroke();
  }

  #latencyDot(): number | undefined {
    const { selected, store } = this.#state;
    if (selected === undefined) return undefined;
    const { low, high } = this.#scale;
    return this.#latency.height * (1 - (store.log[selected]! - low) / (high - low));
  }

  #x(ns: number, width: number): number {
    const { from, to } = this.#state;
    return ((ns - from) / (to - from)) * width;
  }

  /** The line at a height of the lanes' canvas. */
  lineAt(y: number): Line | undefined {
    return this.#lines[Math.floor((y + this.#scroll.scrollTop) / LINE_HEIGHT)];
  }
}
