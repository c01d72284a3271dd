import type { TransferRecord } from '../../../src/bpmp/capture/index.js';
import { type Field, type FieldValue, fields, fieldsOf } from '../../../src/bpmp/fields/index.js';

/** A value as tshark prints it. */
function printed(value: FieldValue, { type }: Field): string {
  if (value instanceof Uint8Array) return Buffer.from(value).toString('hex');
  if (type === 'time')
    return `${Math.floor(Number(value) / 1e9)}.${String(Number(value) % 1e9).padStart(9, '0')}`;
  return Object.is(value, -0) ? '-0' : String(value);
}

/** What a version of tshark prints in its own way: bits as digits or words, floats to a few digits. */
function settled(text: string, { type }: Field): string {
  if (type === 'bool') return { '1': 'true', '0': 'false' }[text] ?? text.toLowerCase();
  if (type !== 'float') return text;
  if (/nan/i.test(text)) return 'nan';
  const number = Number(text.replace(/inf$/, 'Infinity'));
  return Object.is(number, -0) ? '-0' : Number(number.toPrecision(6)).toString();
}

export interface Difference {
  readonly field: string;
  readonly ours: readonly string[];
  readonly theirs: readonly string[];
}

/** Where a record's fields are not those of tshark's packet, in presence, order or value; none is good. */
export function differences(
  record: TransferRecord,
  packet: Readonly<Record<string, string[]>>,
): { found: Difference[]; agreed: number } {
  const have = new Map(fieldsOf(record));
  const found: Difference[] = [];
  let agreed = 0;
  for (const field of fields) {
    const ours = (have.get(field) ?? []).map((value) => settled(printed(value, field), field));
    const theirs = (packet[field.name] ?? []).map((text) => settled(text, field));
    if (ours.length === theirs.length && ours.every((text, at) => text === theirs[at])) agreed += ours.length;
    else found.push({ field: field.name, ours, theirs });
  }
  return { found, agreed };
}
