import { OUTCOME, outcomes } from '../data/outcome.js';
import type { Canvas } from './canvas.js';
import type { LogScale } from './draw-latency.js';
import { count, duration, offset } from './format.js';
import type { Line } from './lines.js';
import type { State } from './state.js';
import { Tip } from './tip.js';

/** As far from the pointer, in pixels, as a transfer may be. */
const NEAR = 4;
const MOST = 5000;

/** What a place of a canvas shows: of the latencies' by their height, of the lanes' by their line. */
export interface Places {
  readonly scale?: LogScale;
  lineAt?(y: number): Line | undefined;
}

/** What is under the pointer. */
export class Pointed {
  readonly tip = new Tip();
  readonly #state: State;
  readonly #canvas: Canvas;
  readonly #places: Places;

  constructor(state: State, canvas: Canvas, places: Places) {
    this.#state = state;
    this.#canvas = canvas;
    this.#places = places;
  }

  /** The rows at a place, nearest first; of those alike near the worst. */
  rowsAt(x: number, y: number): number[] {
    const { store, from, to } = this.#state;
    const { width, height } = this.#canvas;
    const { scale } = this.#places;
    const perPixel = (to - from) / width;
    const all = this.#rowsOf(y);
    const at = from + x * perPixel;
    const first = store.firstAt(at - NEAR * perPixel, all);
    const end = store.firstAt(at + NEAR * perPixel, all);
    const far = (row: number) => {
      const across = Math.abs(store.time[row]! - at) / perPixel;
      if (!scale) return across - 2 * store.outcome[row]!;
      return across + Math.abs(height * (1 - (store.log[row]! - scale.low) / (scale.high - scale.low)) - y);
    };
    const rows = [...all.subarray(first, Math.min(end, first + MOST))].sort((a, b) => far(a) - far(b));
    return scale ? rows.filter((row) => far(row) < 3 * NEAR) : rows;
  }

  #rowsOf(y: number): Uint32Array {
    const { store, matched, lane } = this.#state;
    if (this.#places.lineAt) {
      const line = this.#places.lineAt(y);
      return line?.kind === 'lane' ? line.lane.shown : new Uint32Array(0);
    }
    return lane === undefined ? matched : store.lanes[lane]!.shown;
  }

  say(event: MouseEvent): void {
    const { store } = this.#state;
    const [row, ...others] = this.rowsAt(event.offsetX, event.offsetY);
    if (row === undefined) {
      this.tip.hide();
      return;
    }
    const kinds = outcomes
      .map((outcome, number) => ({
        outcome,
        many: others.filter((each) => store.outcome[each] === number).length,
      }))
      .filter(({ many }) => many > 0)
      .map(({ outcome, many }) => `${count(many)} ${outcome}`);
    this.tip.show(event, [
      store.text(row),
      `${offset(store.time[row]!)} s · ${outcomes[store.outcome[row]!]} · ${duration(store.latency[row]!)}`,
      ...(store.outcome[row]! >= OUTCOME.malformed ? [store.rule(row)] : []),
      ...(kinds.length > 0 ? [`and here too: ${kinds.join(', ')}`] : []),
    ]);
  }
}
