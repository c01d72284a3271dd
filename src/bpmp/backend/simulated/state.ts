import type { BandwidthRequest } from './memory.js';
import type { ThermalTrip } from './thermal.js';

export interface ClockState {
  readonly id: number;
  readonly enabled: boolean;
  /** Hz */
  readonly rate: number;
  /** The parent's name, in capitals as the chip's table has it; null for a root. */
  readonly parent: string | null;
}

/** All that a guest can change, and what it did; plain data. Names are those of the chip's table. */
export interface SimulatedState {
  readonly clocks: Record<string, ClockState>;
  /** Names of the resets that are asserted. */
  readonly asserted: string[];
  /** Names of the power domains that are on. */
  readonly powered: string[];
  readonly trips: ThermalTrip[];
  readonly openFiles: { path: string; mode: 'read' | 'write' }[];
  /** Names of the clocks whose rate a debug file has fixed. */
  readonly rateLocked: string[];
  readonly straps: Record<string, number>;
  readonly pcie: { controllers: number[]; endpointPlls: number[] };
  readonly monitors: Record<string, number>;
  readonly memory: {
    bandwidth: BandwidthRequest[];
    isoKbps: Record<string, number>;
    capHz: number;
    displayRfl: number;
  };
  /** Requests so far, by MRQ number. */
  readonly requests: Record<string, number>;
}

/** One thing that is not as it was. */
export interface Difference {
  readonly kind:
    | 'clock'
    | 'reset'
    | 'power-domain'
    | 'thermal'
    | 'debug'
    | 'strap'
    | 'pcie'
    | 'monitor'
    | 'memory';
  readonly name: string;
  readonly what: string;
  readonly before: unknown;
  readonly after: unknown;
}

/** What of `after` is not as in `before`, by name; counts of requests are no difference. */
export function differences(before: SimulatedState, after: SimulatedState): Difference[] {
  return [
    ...clockDifferences(before, after),
    ...membership('reset', 'asserted', before.asserted, after.asserted),
    ...membership('power-domain', 'on', before.powered, after.powered),
    ...membership('clock', 'rate locked', before.rateLocked, after.rateLocked),
    ...whole('thermal', 'trips', before.trips, after.trips),
    ...whole('debug', 'open files', before.openFiles, after.openFiles),
    ...whole('strap', 'values', before.straps, after.straps),
    ...whole('pcie', 'controllers', before.pcie, after.pcie),
    ...whole('monitor', 'clamped', before.monitors, after.monitors),
    ...whole('memory', 'requests', before.memory, after.memory),
  ];
}

function clockDifferences(before: SimulatedState, after: SimulatedState): Difference[] {
  const found: Difference[] = [];
  for (const [name, clock] of Object.entries(after.clocks)) {
    for (const what of ['enabled', 'rate', 'parent'] as const) {
      const was = before.clocks[name]?.[what];
      if (was !== clock[what]) found.push({ kind: 'clock', name, what, before: was, after: clock[what] });
    }
  }
  return found;
}

function membership(kind: Difference['kind'], what: string, before: string[], after: string[]): Difference[] {
  const names = new Set([...before, ...after]);
  return [...names]
    .filter((name) => before.includes(name) !== after.includes(name))
    .map((name) => ({ kind, name, what, before: before.includes(name), after: after.includes(name) }));
}

function whole(kind: Difference['kind'], what: string, before: unknown, after: unknown): Difference[] {
  if (JSON.stringify(before) === JSON.stringify(after)) return [];
  return [{ kind, name: kind, what, before, after }];
}
