import type { TransferRecord } from '../capture/index.js';
import type { Field, FieldValue } from '../fields/index.js';

export type Values = (record: TransferRecord) => readonly FieldValue[];

const none: readonly FieldValue[] = [];

/** A field's values in a record. What only other MRQs have is not looked for in it. */
export function reader(field: Field): Values {
  const { mrqs } = field;
  if (mrqs === undefined) return (record) => field.values(record);
  const [only] = mrqs;
  if (mrqs.length === 1) return (record) => (record.mrq === only ? field.values(record) : none);
  return (record) => (mrqs.includes(record.mrq) ? field.values(record) : none);
}
