import type { Need } from './need.js';
import type { SectionName } from './resource-kind.js';
import type { Seen, SeenTotals } from './seen.js';

/** Whose a resource is, in a few words: `gpu@17000000`; undefined where nobody knows. */
export type DeviceOf = (section: SectionName, id: number) => string | undefined;

/** What a policy's line would be about: `clocks 304`; '' where there can be none. */
export function placeOf(need: Need): string {
  if (need.kind === 'resource') return `${need.section} ${need.id}`;
  if (need.kind === 'family') return `mrqs ${need.mrq}`;
  return need.kind === 'bus' ? `i2c ${need.bus}` : '';
}

/** The first lines: what was seen, where, when, and what was left out. */
export function headOf(totals: SeenTotals, source: string | undefined): string[] {
  const { transfers, firstNs, lastNs, vms, denied, hidden, others } = totals;
  const from = source === undefined ? '' : ` in ${printable(source)}`;
  const names = vms.size > 0 ? ` of ${printable([...vms].join(', '))}` : '';
  const lines = [`# The least policy for ${transfers} requests${names}, seen${from}.`];
  if (firstNs !== undefined && lastNs !== undefined)
    lines.push(
      `# First seen ${dayOf(firstNs)} ${clockOf(firstNs)}, last ${dayOf(lastNs)} ${clockOf(lastNs)} UTC.`,
    );
  const left = [
    ...(denied > 0 ? [`${denied} that were denied`] : []),
    ...(hidden > 0 ? [`${hidden} reads of what the guest could not see or its device tree let it read`] : []),
    ...(others > 0 ? [`${others} malformed or too many at once`] : []),
  ];
  if (left.length > 0) lines.push(`# Left out: ${left.join(', ')}.`);
  return lines;
}

/** ` 12× ENABLE, 3× SET_RATE; 10:02:03.004 to 10:07:00.120; gpu@17000000` */
export function commentOf(
  seen: readonly Seen[],
  value: string,
  totals: SeenTotals,
  device: string | undefined,
): string {
  const passing = seen.filter(({ want, byView }) => want !== 'deny' && !byView);
  const parts: string[] = [];
  if (value === 'none') parts.push('denied, although a granted clock hangs on it');
  else if (passing.length === 0) parts.push('a new parent');
  else parts.push(countsOf(passing), timesOf(passing, totals));
  if (device !== undefined) parts.push(device);
  return ` ${printable(parts.join('; '))}`;
}

function countsOf(seen: readonly Seen[]): string {
  const counts = new Map<string, number>();
  for (const { title, count } of [...seen].sort((a, b) => a.command - b.command))
    counts.set(title, (counts.get(title) ?? 0) + count);
  return [...counts].map(([title, count]) => `${count}× ${title}`).join(', ');
}

function timesOf(seen: readonly Seen[], totals: SeenTotals): string {
  const times = seen.flatMap(({ firstNs, lastNs }) => [firstNs, lastNs]).sort((a, b) => Number(a - b));
  const first = times[0]!;
  const last = times.at(-1)!;
  // The day stands above where all was seen on one.
  const isOneDay = dayOf(totals.firstNs ?? first) === dayOf(totals.lastNs ?? last);
  const show = (ns: bigint) => (isOneDay ? clockOf(ns) : `${dayOf(ns)} ${clockOf(ns)}`);
  return first === last ? show(first) : `${show(first)} to ${show(last)}`;
}

/** A time beyond what a date can be is that of a broken record. */
function isoOf(ns: bigint): string {
  const ms = Number(ns / 1_000_000n);
  return Math.abs(ms) <= 8.64e15 ? new Date(ms).toISOString() : '0000-00-00T00:00:00.000Z';
}

const dayOf = (ns: bigint) => isoOf(ns).slice(0, -14);
const clockOf = (ns: bigint) => isoOf(ns).slice(-13, -1);

/** A name of a VM, a file or a node may hold anything, and is to end no comment. */
function printable(text: string): string {
  return text.replace(/[^ -~×]/g, '?');
}
