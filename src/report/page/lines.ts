import type { Lane } from './lane.js';
import type { State } from './state.js';

/** One line of the timeline: an MRQ's heading, or one of its lanes. */
export type Line =
  | { readonly kind: 'group'; readonly group: string; readonly rows: number; readonly refused: number }
  | { readonly kind: 'lane'; readonly lane: Lane };

export const orders = { first: 'first use', count: 'count', denials: 'denials', name: 'name' } as const;
export type Order = keyof typeof orders;

const compare: Readonly<Record<Order, (a: Lane, b: Lane) => number>> = {
  first: (a, b) => a.first - b.first,
  count: (a, b) => b.shown.length - a.shown.length,
  denials: (a, b) => b.refused - a.refused || b.shown.length - a.shown.length,
  name: (a, b) => a.name.localeCompare(b.name),
};

/** The lanes that the filter leaves something in, by MRQ; the MRQs in the same order as their lanes. */
export function linesOf({ store }: State, order: Order, closed: ReadonlySet<string>): Line[] {
  const groups = new Map<string, Lane[]>();
  for (const lane of store.lanes) {
    if (lane.shown.length === 0) continue;
    const lanes = groups.get(lane.group);
    if (lanes) lanes.push(lane);
    else groups.set(lane.group, [lane]);
  }
  const sorted = [...groups].map(([group, lanes]) => {
    const rows = lanes.reduce((sum, { shown }) => sum + shown.length, 0);
    const refused = lanes.reduce((sum, lane) => sum + lane.refused, 0);
    const first = Math.min(...lanes.map((lane) => lane.first));
    return { group, rows, refused, first, lanes: lanes.sort(compare[order]) };
  });
  sorted.sort((a, b) => {
    if (order === 'first') return a.first - b.first;
    if (order === 'name') return a.group.localeCompare(b.group);
    return (order === 'denials' ? b.refused - a.refused : 0) || b.rows - a.rows;
  });
  return sorted.flatMap(({ group, rows, refused, lanes }): Line[] => {
    // A heading over one line that says the same is one line too many.
    if (lanes.length === 1 && lanes[0]!.name === group) return [{ kind: 'lane', lane: lanes[0]! }];
    const head: Line = { kind: 'group', group, rows, refused };
    return closed.has(group) ? [head] : [head, ...lanes.map((lane): Line => ({ kind: 'lane', lane }))];
  });
}
