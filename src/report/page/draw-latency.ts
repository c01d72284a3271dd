import { duration } from './format.js';
import { type Palette, rgb } from './palette.js';
import type { State } from './state.js';

/** From this many in view on, lines say where half of them and 99 of 100 lie. */
const FOR_QUANTILES = 2000;
const COLUMN = 12;
const FOR_COLUMN = 10;
const STEPS = 64;

/** The scale of latencies: log2 of ns at the bottom and the top. */
export interface LogScale {
  readonly low: number;
  readonly high: number;
}

export function logScaleOf(log: Float32Array): LogScale {
  let low = Number.POSITIVE_INFINITY;
  let high = Number.NEGATIVE_INFINITY;
  for (const value of log) {
    if (value < low) low = value;
    if (value > high) high = value;
  }
  if (!(high >= low)) return { low: 9, high: 21 };
  return { low: low - 0.4, high: Math.max(high + 0.4, low + 2) };
}

/** Each transfer's latency over time, and how they lie together. */
export function drawLatency(
  context: CanvasRenderingContext2D,
  state: State,
  { low, high }: LogScale,
  width: number,
  height: number,
  colours: Palette,
): void {
  const { store, from, to, matched } = state;
  const scale = width / (to - from);
  const yOf = (log: number) => height - ((log - low) / (high - low)) * height;
  const powers = powersOf(low, high);
  context.fillStyle = colours.line;
  for (const power of powers) context.fillRect(0, Math.round(yOf(power * Math.log2(10))), width, 1);
  const rows = state.lane === undefined ? matched : store.lanes[state.lane]!.shown;
  const first = store.firstAt(from, rows);
  const end = store.firstAt(to + 0.5, rows);
  const many = end - first > FOR_QUANTILES;
  const size = many ? 2 : 4;
  const columns = Math.ceil(width / COLUMN);
  const histogram = new Uint32Array(columns * STEPS);
  // A dot where one is already, and not of less note, changes nothing: a bit of each place's outcome says so.
  const across = Math.ceil(width / size) + 1;
  const grid = new Uint8Array(across * (Math.ceil(height / size) + 1));
  for (let at = first; at < end; at++) {
    const row = rows[at]!;
    const x = (store.time[row]! - from) * scale;
    const log = store.log[row]!;
    const place = ((yOf(log) / size) | 0) * across + ((x / size) | 0);
    const mark = store.outcome[row]! + 1;
    if (grid[place]! < mark) grid[place] = mark;
    if (!many) continue;
    const step = Math.min(STEPS - 1, (((log - low) / (high - low)) * STEPS) | 0);
    histogram[Math.min(columns - 1, (x / COLUMN) | 0) * STEPS + step]!++;
  }
  for (let mark = 1; mark <= colours.outcomes.length; mark++) {
    const [r, g, b] = rgb(colours.outcomes[mark - 1]!);
    context.fillStyle = `rgba(${r}, ${g}, ${b}, ${mark >= 4 ? 1 : many ? 0.55 : 0.8})`;
    for (let place = 0; place < grid.length; place++) {
      if (grid[place] !== mark) continue;
      context.fillRect((place % across) * size, Math.floor(place / across) * size, size, size);
    }
  }
  if (many) {
    const middle = (step: number) => yOf(low + ((step + 0.5) / STEPS) * (high - low));
    drawQuantile(context, histogram, columns, 0.5, middle, colours.p50);
    drawQuantile(context, histogram, columns, 0.99, middle, colours.p99);
  }
  context.textAlign = 'left';
  for (const power of powers) {
    const text = duration(10 ** power);
    const y = Math.min(height - 7, Math.max(7, Math.round(yOf(power * Math.log2(10)))));
    context.fillStyle = colours.back;
    context.globalAlpha = 0.8;
    context.fillRect(0, y - 7, context.measureText(text).width + 6, 14);
    context.globalAlpha = 1;
    context.fillStyle = colours.text;
    context.fillText(text, 2, y);
  }
}

/** The powers of ten, in ns, that lie on the scale. */
function powersOf(low: number, high: number): number[] {
  const powers: number[] = [];
  for (let power = Math.ceil(low * Math.log10(2)); power <= high * Math.log10(2); power++) powers.push(power);
  return powers;
}

function drawQuantile(
  context: CanvasRenderingContext2D,
  histogram: Uint32Array,
  columns: number,
  q: number,
  yOf: (step: number) => number,
  colour: string,
): void {
  context.strokeStyle = colour;
  context.lineWidth = 1.5;
  context.beginPath();
  let down = false;
  for (let column = 0; column < columns; column++) {
    const part = histogram.subarray(column * STEPS, (column + 1) * STEPS);
    const total = part.reduce((sum, value) => sum + value, 0);
    let left = Math.ceil(total * q);
    if (total < FOR_COLUMN) {
      down = false;
      continue;
    }
    let step = -1;
    while (left > 0) left -= part[++step]!;
    const x = (column + 0.5) * COLUMN;
    if (down) context.lineTo(x, yOf(step));
    else context.moveTo(x - COLUMN / 2, yOf(step));
    down = true;
  }
  context.stroke();
}
