import { OUTCOME } from '../data/outcome.js';
import type { Lane } from './lane.js';
import type { Palette } from './palette.js';
import type { State } from './state.js';

export const LINE_HEIGHT = 22;
const TOP = 2;
const TALL = 13;
/** From so many in one pixel on, how many there are is how full the colour is. */
const MANY = 5;
/** Below the transfers: when the resource was on. */
const HELD_TOP = TOP + TALL + 1;
const HELD_TALL = 4;
/** How much of its line a mark takes, by outcome: what was refused takes all of it. */
const SHARE = [0.7, 0.4, 0.7, 0.85, 1, 1];

let worst = new Uint8Array(0);
let counts = new Uint32Array(0);

/** When a resource was on, by lane. */
export interface Held {
  readonly from: Float64Array;
  readonly to: Float64Array;
  readonly open: Uint8Array;
}

/** A lane's held times, as bars below its transfers. */
export function drawHeld(
  context: CanvasRenderingContext2D,
  state: State,
  held: Held,
  y: number,
  width: number,
  { hold }: Palette,
): void {
  const { from, to } = state;
  const scale = width / (to - from);
  context.fillStyle = hold;
  let drawn = Number.NEGATIVE_INFINITY;
  for (let at = 0; at < held.from.length; at++) {
    if (held.from[at]! > to) break;
    if (held.to[at]! < from) continue;
    const left = Math.max(drawn, (held.from[at]! - from) * scale, 0);
    const right = Math.min(width, (held.to[at]! - from) * scale);
    if (right <= drawn) continue;
    context.fillRect(left, y + HELD_TOP, Math.max(1, right - left), HELD_TALL);
    drawn = Math.max(left + 1, right);
  }
}

/** A lane's transfers: each a mark where there is room, else for each pixel how many there were and the worst of them. */
export function drawLane(
  context: CanvasRenderingContext2D,
  state: State,
  lane: Pick<Lane, 'shown'>,
  y: number,
  width: number,
  colours: Palette,
): void {
  const { store, from, to } = state;
  const { time, outcome } = store;
  const rows = lane.shown;
  const scale = width / (to - from);
  const first = store.firstAt(from, rows);
  const end = store.firstAt(to + 0.5, rows);
  if (worst.length < width) {
    worst = new Uint8Array(width);
    counts = new Uint32Array(width);
  }
  worst.fill(0, 0, width);
  counts.fill(0, 0, width);
  for (let at = first; at < end; at++) {
    const row = rows[at]!;
    const x = Math.min(width - 1, ((time[row]! - from) * scale) | 0);
    counts[x]!++;
    if (outcome[row]! > worst[x]!) worst[x] = outcome[row]!;
  }
  let most = 1;
  for (let x = 0; x < width; x++) if (counts[x]! > most) most = counts[x]!;
  // With room between them marks are two pixels wide.
  const wide = end - first < width / 6 ? 2 : 1;
  for (let kind = 0; kind < SHARE.length; kind++) {
    context.fillStyle = colours.outcomes[kind]!;
    const refused = kind >= OUTCOME.malformed;
    const tall = TALL * SHARE[kind]!;
    const top = y + TOP + (TALL - tall) / 2;
    for (let x = 0; x < width; x++) {
      if (counts[x] === 0 || worst[x] !== kind) continue;
      // Where there are many in one place the colour is fuller; what was refused never pales.
      const isFull = refused || most < MANY;
      context.globalAlpha = isFull ? 1 : 0.4 + 0.6 * (Math.log(counts[x]!) / Math.log(most));
      context.fillRect(x, top, refused ? 2 : wide, tall);
      if (refused) context.fillRect(x - 2, y + 1, 6, 4);
    }
  }
  context.globalAlpha = 1;
}
