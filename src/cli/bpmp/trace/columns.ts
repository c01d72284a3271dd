import { type Field, type FieldValue, fieldByName, fields } from '../../../bpmp/fields/index.js';
import { GpuvmError } from '../../../errors.js';
import { nearest } from '../../../nearest.js';
import { toJson } from '../../output.js';
import { printable, printableJson } from '../../printable.js';
import type { Form } from './form.js';

/** The fields that `--fields a,b,c` names. Throws GPUVM_USAGE with the nearest name. */
export function parseFields(list: string): readonly Field[] {
  return list.split(',').map((word) => {
    const field = fieldByName(word.trim());
    if (field !== undefined) return field;
    const meant = nearest(
      word,
      fields.map(({ name }) => name),
    );
    const hint = meant ? `did you mean ${meant}?` : 'gpuvm bpmp fields lists them';
    throw new GpuvmError('GPUVM_USAGE', `--fields: there is no field ${JSON.stringify(word)}: ${hint}`);
  });
}

/** A column for each field, with a tab between, and commas between several values, as `tshark -T fields` has it. */
export function columnForm(columns: readonly Field[]): Form {
  return (record) =>
    `${columns
      .map((field) =>
        field
          .values(record)
          .map((value) => cell(field, value))
          .join(','),
      )
      .join('\t')}\n`;
}

/** The named fields alone, as a JSON document a line. */
export function fieldDocumentForm(columns: readonly Field[]): Form {
  return (record) =>
    `${printableJson(toJson(Object.fromEntries(columns.map((field) => [field.name, field.values(record)]))))}\n`;
}

function cell({ type }: Field, value: FieldValue): string {
  if (typeof value === 'string') return printable(value);
  if (value instanceof Uint8Array) return Buffer.from(value).toString('hex');
  if (type === 'time') return (Number(value) / 1e9).toFixed(9);
  return String(value);
}
