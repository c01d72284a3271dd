import type { TransferRecord } from '../capture/index.js';
import { commonFields } from './common.js';
import type { Field, FieldValue } from './field.js';
import { fields, valuesOfSide } from './table.js';

export { commonFields } from './common.js';
export type { Field, FieldType, FieldValue } from './field.js';
export type { ListStep, Node, NumberNode, Plan, Step, VariantNode } from './plan.js';
export { type CommandPlans, commandPlans, fields } from './table.js';

const byName = new Map(fields.map((field) => [field.name, field]));

/** The field of a name, such as `bpmp.clk.name`. */
export function fieldByName(name: string): Field | undefined {
  return byName.get(name);
}

/** A field's values in a record, in the order of the bytes; none where the record lacks it. */
export function valuesOf(record: TransferRecord, field: Field): readonly FieldValue[] {
  return field.values(record);
}

/** Every field that a record has, with its values. */
export function* fieldsOf(record: TransferRecord): Generator<[Field, readonly FieldValue[]]> {
  for (const field of commonFields) {
    const values = field.values(record);
    if (values.length > 0) yield [field, values];
  }
  yield* valuesOfSide(record, 'request');
  yield* valuesOfSide(record, 'reply');
}
