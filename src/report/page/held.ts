import type { Held } from './draw-lane.js';
import type { Store } from './store.js';

/** The held times of each lane that has any. */
export function heldByLane({ lanes, embedded }: Store): Map<number, Held> {
  const { holds } = embedded;
  const numbers = new Map(lanes.map(({ mrq, id, number }) => [`${mrq} ${id}`, number]));
  const rows = new Map<number, number[]>();
  for (let row = 0; row < holds.length; row++) {
    const lane = numbers.get(`${holds.mrq[row]} ${holds.id[row]}`);
    if (lane === undefined) continue;
    const list = rows.get(lane);
    if (list) list.push(row);
    else rows.set(lane, [row]);
  }
  return new Map(
    [...rows].map(([lane, list]) => [
      lane,
      {
        from: Float64Array.from(list, (row) => holds.from[row]!),
        to: Float64Array.from(list, (row) => holds.to[row]!),
        open: Uint8Array.from(list, (row) => holds.open[row]!),
      },
    ]),
  );
}
