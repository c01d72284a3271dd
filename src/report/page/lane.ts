import { tegra234 } from '../../bpmp/tegra234/index.js';
import { classify, commandOf, mrqs, newShape } from '../../bpmp/wire/index.js';

/** One resource, or an MRQ's requests that are about none: a line of the timeline. */
export interface Lane {
  readonly number: number;
  readonly mrq: number;
  /** -1 for those about no resource. */
  readonly id: number;
  /** "CLK" */
  readonly group: string;
  readonly name: string;
  /** The filter that finds them. */
  readonly filter: string;
  /** All of its rows, by time. */
  rows: Uint32Array;
  /** Those that the filter leaves. */
  shown: Uint32Array;
  first: number;
  refused: number;
}

const tables: Readonly<Record<string, (id: number) => string | undefined>> = {
  clock: (id) => tegra234.clocks.nameOf(id),
  reset: (id) => tegra234.resets.nameOf(id),
  powerDomain: (id) => tegra234.powerDomains.nameOf(id),
  mrq: (id) => mrqs.get(id)?.name,
};
/** Kinds of resource that lanes tell apart; the others' numbers mean nothing for long (a file descriptor). */
const told: Readonly<Record<string, string>> = {
  clock: 'clk',
  reset: 'reset',
  powerDomain: 'pg',
  thermalZone: 'zone',
  bus: 'bus',
};

const shape = newShape();

/** A number that two requests share if and only if they belong in one lane. */
export function laneKey(mrq: number, tx: Uint8Array): number {
  const { command, id } = classify(mrq, tx, shape);
  const kind = commandOf(mrq, command)?.idKind;
  const resource = kind !== undefined && kind in told && id >= 0 ? id + 1 : 0;
  // Numbers of MRQs that nobody knows may have all 32 bits; these have no resources.
  return mrqs.has(mrq) ? mrq * 2 ** 33 + resource : -1 - mrq;
}

export function laneOf(number: number, mrq: number, tx: Uint8Array): Lane {
  const { command, id } = classify(mrq, tx, shape);
  const family = mrqs.get(mrq);
  const group = family?.name ?? 'unknown';
  const kind = commandOf(mrq, command)?.idKind;
  const empty = {
    rows: new Uint32Array(0),
    shown: new Uint32Array(0),
    first: Number.POSITIVE_INFINITY,
    refused: 0,
  };
  if (kind === undefined || !(kind in told) || id < 0) {
    const name = family
      ? family.commands.some(({ idKind }) => idKind && idKind in told)
        ? 'no resource'
        : family.name
      : `MRQ ${mrq}`;
    return { number, mrq, id: -1, group, name, filter: `bpmp.mrq == ${mrq}`, ...empty };
  }
  const name = tables[kind]?.(id);
  return {
    number,
    mrq,
    id,
    group,
    name: name ?? `${kind === 'bus' ? 'bus' : kind === 'thermalZone' ? 'zone' : 'unknown'} ${id}`,
    filter: `bpmp.${told[kind]}.id == ${id}`,
    ...empty,
  };
}
