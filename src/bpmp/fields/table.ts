import type { TransferRecord } from '../capture/index.js';
import { type CommandInfo, mrqs } from '../wire/index.js';
import { commonFields } from './common.js';
import { compilePlan } from './compile.js';
import type { Field, FieldValue } from './field.js';
import { lookAt } from './look.js';
import type { Plan } from './plan.js';
import { readPlan, type Values } from './read.js';
import { Registry, type Side } from './registry.js';

export interface CommandPlans {
  readonly info: CommandInfo;
  readonly request: Plan;
  readonly reply: Plan;
}

const none: readonly FieldValue[] = [];

/** The last record's values, of each side; see `lookAt`. */
const kept: Record<Side, { record: TransferRecord; values: Values } | undefined> = {
  request: undefined,
  reply: undefined,
};

const empty: Values = new Map();

/** Everything that a record's request or reply says. A reply says nothing where the firmware refused. */
export function valuesOfSide(record: TransferRecord, side: Side): ReadonlyMap<Field, FieldValue[]> {
  const last = kept[side];
  if (last?.record === record) return last.values;
  const { info } = lookAt(record);
  const isRead = info !== undefined && (side === 'request' || record.ret >= 0);
  const values = isRead
    ? readPlan(plansOf.get(info)![side], side === 'request' ? record.tx : record.rx)
    : empty;
  kept[side] = { record, values };
  return values;
}

const readers = {
  request: (record: TransferRecord, field: Field) => valuesOfSide(record, 'request').get(field) ?? none,
  reply: (record: TransferRecord, field: Field) => valuesOfSide(record, 'reply').get(field) ?? none,
};

const infos = [...mrqs.values()].flatMap((family) => family.commands);

function compileAll(registry: Registry): CommandPlans[] {
  return infos.map((info) => ({
    info,
    request: compilePlan(info, 'request', registry),
    reply: compilePlan(info, 'reply', registry),
  }));
}

// The first time finds the names that clash, the second one gives them.
const clashes = new Registry(readers);
compileAll(clashes);
const registry = new Registry(readers, clashes);

/** How the requests and replies of every command become values of fields. */
export const commandPlans: readonly CommandPlans[] = compileAll(registry);
const plansOf = new Map(commandPlans.map((plans) => [plans.info, plans]));

const order = [...mrqs.keys()];
const sides: readonly Side[] = ['request', 'reply'];

/** Every field: the common ones, then those of requests and replies by MRQ. */
export const fields: readonly Field[] = [
  ...commonFields,
  ...order.flatMap((mrq) =>
    sides.flatMap((side) =>
      [...registry.fields.values()].filter((field) => field.mrqs[0] === mrq && field.side === side),
    ),
  ),
];
