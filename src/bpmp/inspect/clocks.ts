import { GpuvmError } from '../../errors.js';
import { BpmpError } from '../wire/index.js';
import type { Answer, Firmware } from './firmware.js';

/** A clock as the firmware has it. What it would not tell is absent, and `problem` says why. */
export interface ClockState {
  readonly id: number;
  readonly name: string;
  readonly enabled?: boolean;
  readonly rateHz?: bigint;
  readonly parent?: number;
  /** What it could hang on. */
  readonly parents: readonly number[];
  readonly flags: readonly string[];
  /** Rates that the firmware would make of 0 and of the most that there is; of a clock that is asked for by itself. */
  readonly minHz?: bigint;
  readonly maxHz?: bigint;
  readonly fmaxAtVminHz?: bigint;
  readonly problem?: string;
}

/** What firmware answers for an id without a clock. */
const HOLE: readonly number[] = [BpmpError.EINVAL, BpmpError.ENOENT, BpmpError.ENODEV];
/** Ids have 24 bits, and a firmware that is out of its mind names them all. */
const MOST_IDS = 4096;
const AT_ONCE = 16;

/** Every clock that there is, by id; `onProgress` after each handful. */
export async function readClocks(
  firmware: Firmware,
  onProgress: (done: number, all: number) => void = () => {},
): Promise<ClockState[]> {
  const most = await firmware.askOne({ mrq: 'CLK', command: 'GET_MAX_CLK_ID' });
  // Somebody on the way may let pass what names a clock alone: then those are asked for that the chip is known to have.
  const maxId = most.ok ? Number(most.fields.max_id) : firmware.chip.clocks.maxId;
  const all = Math.min(maxId + 1, MOST_IDS);
  const clocks: ClockState[] = [];
  for (let first = 0; first < all; first += AT_ONCE) {
    const ids = Array.from({ length: Math.min(AT_ONCE, all - first) }, (_, i) => first + i);
    const infos = await firmware.ask(...ids.map((id) => clk('GET_ALL_INFO', id)));
    const there = ids.flatMap((id, i) => (isHole(infos[i]!) ? [] : [{ id, info: infos[i]! }]));
    const states = await firmware.ask(
      ...there.flatMap(({ id }) => [clk('IS_ENABLED', id), clk('GET_RATE', id), clk('GET_PARENT', id)]),
    );
    for (const [i, { id, info }] of there.entries())
      clocks.push(stateOf(firmware, id, info, states.slice(3 * i, 3 * i + 3)));
    onProgress(first + ids.length, all);
  }
  if (clocks.length === 0 && !most.ok)
    throw new GpuvmError('GPUVM_INSPECT', `the clocks cannot be listed: ${most.note ?? most.problem}`, {
      details: { ret: most.ret },
    });
  return clocks;
}

/** One clock with all that can be asked about it; undefined where the firmware has none of this id. */
export async function readClock(firmware: Firmware, id: number): Promise<ClockState | undefined> {
  const [info, ...states] = await firmware.ask(
    clk('GET_ALL_INFO', id),
    clk('IS_ENABLED', id),
    clk('GET_RATE', id),
    clk('GET_PARENT', id),
  );
  if (isHole(info!)) return undefined;
  const [least, most, vmin] = await firmware.ask(
    clk('ROUND_RATE', id, { rateHz: 0 }),
    clk('ROUND_RATE', id, { rateHz: Number.MAX_SAFE_INTEGER }),
    clk('GET_FMAX_AT_VMIN', id),
  );
  const [minHz, maxHz, fmaxAtVminHz] = [least!, most!, vmin!].map(rateOf);
  return {
    ...stateOf(firmware, id, info!, states),
    ...(minHz !== undefined && { minHz }),
    ...(maxHz !== undefined && { maxHz }),
    ...(fmaxAtVminHz !== undefined && { fmaxAtVminHz }),
  };
}

function clk(command: string, clock: number, more: Readonly<Record<string, unknown>> = {}) {
  return { mrq: 'CLK', command, fields: { clock, ...more } };
}

function isHole(answer: Answer): boolean {
  return !answer.ok && HOLE.includes(answer.ret);
}

function stateOf(firmware: Firmware, id: number, info: Answer, states: readonly Answer[]): ClockState {
  const [enabled, rate, parent] = states;
  const problems = [info, ...states].flatMap((answer) => (answer.ok ? [] : [answer.problem]));
  const fields = info.ok ? info.fields : {};
  const now = parent?.ok ? idOf(parent.fields.parent) : undefined;
  const rateHz = rate && rateOf(rate);
  // A root has no parent, and says so by an error of its own.
  const isRoot = (listOf(fields.parents).length === 0 || listOf(fields.flags).includes('IS_ROOT')) && info.ok;
  const serious = isRoot
    ? [info, enabled, rate].flatMap((one) => (one && !one.ok ? [one.problem] : []))
    : problems;
  return {
    id,
    name: firmware.chip.clocks.nameOf(id) ?? (String(fields.name ?? '').toUpperCase() || String(id)),
    ...(enabled?.ok && { enabled: Number(enabled.fields.state) !== 0 }),
    ...(rateHz !== undefined && { rateHz }),
    ...(now !== undefined && !isRoot && { parent: now }),
    parents: listOf(fields.parents).flatMap((one) => idOf(one) ?? []),
    flags: listOf(fields.flags).map(String),
    ...(serious.length > 0 && { problem: [...new Set(serious)].join(', ') }),
  };
}

function rateOf(answer: Answer): bigint | undefined {
  return answer.ok && answer.fields.rateHz !== undefined ? BigInt(answer.fields.rateHz as number) : undefined;
}

function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

function idOf(value: unknown): number | undefined {
  return (value as { id?: number } | undefined)?.id;
}
