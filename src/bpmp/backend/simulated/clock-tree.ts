import { GpuvmError } from '../../../errors.js';
import type { ResourceTable } from '../../wire/index.js';
import { type ClockRule, clockRules } from './clock-rules.js';

export const ClockKind = { ROOT: 0, GENERATOR: 1, DIVIDER: 2, RATIO: 3, GATE: 4 } as const;

/** Bits of `cmd_clk_get_all_info_response::flags`. */
export const ClockFlag = {
  HAS_MUX: 1,
  HAS_SET_RATE: 2,
  IS_ROOT: 4,
  RATE_PARENT_CHANGE_DENIED: 0x4000_0000,
  STATE_CHANGE_DENIED: 0x8000_0000,
} as const;

/** `MRQ_CLK_NAME_MAXLEN`, the terminator included. */
const NAME_SIZE = 40;
const MAX_PARENTS = 16;

/** One clock as the hot path needs it: every field a number of one kind. */
export interface Clock {
  readonly id: number;
  /** As the firmware spells it: lower case. */
  readonly name: string;
  readonly kind: number;
  /** The flags that the hot path asks for, each of its own: the word has bit 31, and so would be no small integer. */
  readonly settable: boolean;
  readonly rateDenied: boolean;
  readonly stateDenied: boolean;
  readonly parents: readonly number[];
  readonly on: boolean;
  /** At power-on: Hz for a root or generator, parts of 1/grain for a divider. */
  readonly setting: number;
  readonly min: number;
  readonly max: number;
  readonly step: number;
  readonly rates: readonly number[] | undefined;
  readonly fmaxAtVmin: number;
  readonly grain: number;
  readonly numerator: number;
  readonly denominator: number;
  /** The reply to GET_ALL_INFO, but for the current parent. */
  readonly info: Uint8Array;
}

/** Every clock of the chip by id; undefined where the ids have a hole. */
export function buildClockTree(table: ResourceTable): readonly (Clock | undefined)[] {
  const clocks: (Clock | undefined)[] = new Array(table.maxId + 1).fill(undefined);
  for (const id of table.ids) clocks[id] = buildClock(id, table);
  for (const clock of clocks)
    if (clock?.kind === ClockKind.GATE && isSettable(clock, clocks)) makeSettable(clock);
  return clocks;
}

function buildClock(id: number, table: ResourceTable): Clock {
  const key = table.nameOf(id)!;
  const rule = clockRules.find(({ names }) => names.test(key))!;
  const captured = rule.names.exec(key)?.[1] ?? '';
  const parents = rule.parents.map((parent) => idOf(parent.replace('$1', captured), table));
  const name = key.toLowerCase().slice(0, NAME_SIZE - 1);
  const flags = flagsOf(rule, parents.length);
  return {
    id,
    name,
    parents,
    on: rule.on ?? false,
    settable: (flags & ClockFlag.HAS_SET_RATE) !== 0,
    rateDenied: rule.denied !== undefined,
    stateDenied: rule.denied === 'all',
    ...numbersOf(rule),
    info: info(name, flags, parents),
  };
}

function idOf(name: string, table: ResourceTable): number {
  const id = table.idOf(name);
  if (id === undefined) throw new GpuvmError('GPUVM_INTERNAL', `the clock tree has no clock ${name}`);
  return id;
}

function flagsOf(rule: ClockRule, parents: number): number {
  let flags = 0;
  if (parents === 0) flags |= ClockFlag.IS_ROOT;
  if (parents > 1) flags |= ClockFlag.HAS_MUX;
  if (rule.kind === 'divider') flags |= ClockFlag.HAS_SET_RATE;
  if (rule.kind === 'generator' && (rule.step !== undefined || rule.rates)) flags |= ClockFlag.HAS_SET_RATE;
  if (rule.denied) flags |= ClockFlag.RATE_PARENT_CHANGE_DENIED;
  if (rule.denied === 'all') flags |= ClockFlag.STATE_CHANGE_DENIED;
  return flags >>> 0;
}

function numbersOf(rule: ClockRule) {
  const none = {
    setting: 0,
    min: 0,
    max: 0,
    step: 0,
    rates: undefined,
    fmaxAtVmin: 0,
    grain: 1,
    numerator: 1,
    denominator: 1,
  };
  switch (rule.kind) {
    case 'root':
      return { ...none, kind: ClockKind.ROOT, setting: rule.hz };
    case 'generator':
      return {
        ...none,
        kind: ClockKind.GENERATOR,
        setting: rule.hz,
        min: rule.min ?? rule.rates?.[0] ?? rule.hz,
        max: rule.max ?? rule.rates?.at(-1) ?? rule.hz,
        step: rule.step ?? 0,
        rates: rule.rates,
        fmaxAtVmin: rule.fmaxAtVmin ?? 0,
      };
    case 'divider':
      return {
        ...none,
        kind: ClockKind.DIVIDER,
        setting: rule.divisor * rule.grain,
        min: rule.grain,
        max: rule.most * rule.grain,
        grain: rule.grain,
      };
    case 'ratio':
      return { ...none, kind: ClockKind.RATIO, numerator: rule.numerator, denominator: rule.denominator };
    case 'gate':
      return { ...none, kind: ClockKind.GATE };
  }
}

/** A gate can be set where the parent that it starts with can. */
function isSettable(clock: Clock, clocks: readonly (Clock | undefined)[]): boolean {
  if (clock.kind !== ClockKind.GATE) return clock.settable;
  return isSettable(clocks[clock.parents[0]!]!, clocks);
}

function makeSettable(clock: Clock): void {
  (clock as { settable: boolean }).settable = true;
  clock.info[0]! |= ClockFlag.HAS_SET_RATE;
}

/** `cmd_clk_get_all_info_response`: flags, parent, 16 parents, their number, name. */
function info(name: string, flags: number, parents: readonly number[]): Uint8Array {
  const bytes = new Uint8Array(8 + 4 * MAX_PARENTS + 1 + NAME_SIZE);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, flags, true);
  parents.forEach((parent, index) => {
    view.setUint32(8 + 4 * index, parent, true);
  });
  bytes[8 + 4 * MAX_PARENTS] = parents.length;
  new TextEncoder().encodeInto(name, bytes.subarray(8 + 4 * MAX_PARENTS + 1));
  return bytes;
}
