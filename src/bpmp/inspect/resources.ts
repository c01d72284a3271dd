import { BpmpError } from '../wire/index.js';
import type { Answer, Firmware } from './firmware.js';

/** A power domain as the firmware has it. */
export interface DomainState {
  readonly id: number;
  readonly name: string;
  readonly state?: string;
  readonly problem?: string;
}

const HOLE: readonly number[] = [BpmpError.EINVAL, BpmpError.ENOENT, BpmpError.ENODEV];
const MOST_IDS = 4096;
const AT_ONCE = 16;

/** Every power domain that there is, by id. */
export async function readDomains(firmware: Firmware): Promise<DomainState[]> {
  const { max_id } = await firmware.need(
    { mrq: 'PG', command: 'GET_MAX_ID' },
    'the power domains cannot be listed',
  );
  const all = Math.min(Number(max_id) + 1, MOST_IDS);
  const domains: DomainState[] = [];
  for (let first = 0; first < all; first += AT_ONCE) {
    const ids = Array.from({ length: Math.min(AT_ONCE, all - first) }, (_, i) => first + i);
    const answers = await firmware.ask(...ids.flatMap(questionsOf));
    for (const [i, id] of ids.entries()) {
      const domain = stateOf(firmware, id, answers[2 * i]!, answers[2 * i + 1]!);
      if (domain) domains.push(domain);
    }
  }
  return domains;
}

/** One of them; undefined where the firmware has none of this id. */
export async function readDomain(firmware: Firmware, id: number): Promise<DomainState | undefined> {
  const [state, name] = await firmware.ask(...questionsOf(id));
  return stateOf(firmware, id, state!, name!);
}

function questionsOf(id: number) {
  const fields = { powerDomain: id };
  return [
    { mrq: 'PG', command: 'GET_STATE', fields },
    { mrq: 'PG', command: 'GET_NAME', fields },
  ];
}

function stateOf(firmware: Firmware, id: number, state: Answer, name: Answer): DomainState | undefined {
  if (isHole(state) && isHole(name)) return undefined;
  const known = firmware.chip.powerDomains.nameOf(id);
  return {
    id,
    name: known ?? (name.ok ? String(name.fields.name).toUpperCase() : String(id)),
    ...(state.ok ? { state: stateText(state.fields.state) } : { problem: state.problem }),
  };
}

/** The resets by id: the ABI has a way to count them, and none to ask how one stands. */
export async function readResets(firmware: Firmware): Promise<{ id: number; name: string }[]> {
  const { max_id } = await firmware.need(
    { mrq: 'RESET', command: 'GET_MAX_ID' },
    'the resets cannot be listed',
  );
  const all = Math.min(Number(max_id) + 1, MOST_IDS);
  const { resets } = firmware.chip;
  return Array.from({ length: all }, (_, id) => ({ id, name: resets.nameOf(id) })).flatMap(({ id, name }) =>
    name === undefined ? [] : [{ id, name }],
  );
}

function isHole(answer: Answer): boolean {
  return !answer.ok && HOLE.includes(answer.ret);
}

function stateText(value: unknown): string {
  const { id, name } = (value ?? {}) as { id?: number; name?: string };
  return (name ?? String(id ?? value)).toLowerCase();
}
