import type { Canvas } from './canvas.js';
import type { Pointed } from './pointed.js';
import type { State } from './state.js';
import type { Timeline } from './timeline.js';

/** Less is a click. */
const DRAG = 4;

/**
 * The wheel zooms (with Shift it scrolls), dragging zooms to a stretch (with Shift it moves), a click chooses a transfer, a
 * double click shows everything.
 */
export function listenToPointer(
  canvas: Canvas,
  state: State,
  timeline: Timeline,
  pointed: Pointed | undefined,
  scroll: HTMLElement | undefined,
): void {
  const { element } = canvas;
  const timeAt = (x: number) => state.from + (x / canvas.width) * (state.to - state.from);
  element.addEventListener(
    'wheel',
    (event) => {
      event.preventDefault();
      if (event.shiftKey && scroll) scroll.scrollTop += event.deltaY || event.deltaX;
      else if (Math.abs(event.deltaX) > Math.abs(event.deltaY)) state.pan(event.deltaX / canvas.width);
      else state.zoom(2 ** (event.deltaY / 300), timeAt(event.offsetX));
    },
    { passive: false },
  );
  element.addEventListener('pointerdown', (event) => {
    if (event.button !== 0) return;
    element.setPointerCapture(event.pointerId);
    const start = event.offsetX;
    const { from, to } = state;
    const moves = event.shiftKey;
    let dragged = false;
    const move = (moved: PointerEvent) => {
      const x = Math.min(canvas.width, Math.max(0, moved.offsetX));
      dragged ||= Math.abs(x - start) > DRAG;
      if (!dragged) return;
      if (moves) {
        const by = ((x - start) / canvas.width) * (to - from);
        state.show(from - by, to - by);
      } else {
        timeline.band = [Math.min(start, x), Math.max(start, x)];
        timeline.redraw();
      }
    };
    const up = (ended: PointerEvent) => {
      element.removeEventListener('pointermove', move);
      const { band } = timeline;
      timeline.band = undefined;
      if (band) state.show(timeAt(band[0]), timeAt(band[1]));
      else if (!dragged) {
        const row = pointed?.rowsAt(ended.offsetX, ended.offsetY)[0];
        if (row !== undefined) state.select(row);
      }
      timeline.redraw();
    };
    element.addEventListener('pointermove', move);
    element.addEventListener('pointerup', up, { once: true });
  });
  element.addEventListener('pointermove', (event) => {
    if (timeline.band) pointed?.tip.hide();
    else pointed?.say(event);
  });
  element.addEventListener('pointerleave', () => pointed?.tip.hide());
  element.addEventListener('dblclick', () => state.showAll());
}
