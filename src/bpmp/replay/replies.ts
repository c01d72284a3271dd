import type { TransferRecord } from '../capture/index.js';
import { type Field, type FieldValue, fieldsOf } from '../fields/index.js';
import { errorName } from '../wire/index.js';

/** What was answered to a request that was sent again. */
export interface Answer {
  readonly ret: number;
  readonly rx: Uint8Array;
}

/** One thing in which two answers differ, by the field's name as a filter has it. */
export interface ReplyDifference {
  readonly field: string;
  readonly before: string;
  readonly now: string;
}

/**
 * In what an answer differs from the recorded one: the return code, or the reply's fields by name; its bytes where no
 * field tells. A reply that was cut to the guest's buffer is compared as far as it goes.
 */
export function compareReplies(record: TransferRecord, { ret, rx }: Answer): ReplyDifference[] {
  if (record.ret !== ret) return [{ field: 'bpmp.ret', before: retText(record.ret), now: retText(ret) }];
  if (record.rx.length <= rx.length && isPrefix(record.rx, rx)) return [];
  const before = replyFields(record);
  const now = replyFields({ ...record, ret, rx: rx.slice(0, Math.max(record.rx.length, rx.length)) });
  const differing = [...new Set([...before.keys(), ...now.keys()])].filter(
    (field) => before.get(field) !== now.get(field),
  );
  if (differing.length === 0) return [{ field: 'bpmp.rx', before: hex(record.rx), now: hex(rx) }];
  return differing.map((field) => ({
    field,
    before: before.get(field) ?? 'nothing',
    now: now.get(field) ?? 'nothing',
  }));
}

function replyFields(record: TransferRecord): Map<string, string> {
  const texts = new Map<string, string>();
  for (const [{ name }, values] of fieldsOf(record) as Iterable<[Field, readonly FieldValue[]]>)
    if (name.includes('.reply.')) texts.set(name, values.map(text).join(', '));
  return texts;
}

function text(value: FieldValue): string {
  return value instanceof Uint8Array ? hex(value) : String(value);
}

function retText(ret: number): string {
  const name = errorName(ret);
  return name === undefined ? String(ret) : `${ret} (${name})`;
}

function isPrefix(part: Uint8Array, whole: Uint8Array): boolean {
  return part.every((byte, at) => whole[at] === byte);
}

/** A reply of 512 bytes says nothing to anybody; where two differ, its beginning may. */
function hex(bytes: Uint8Array): string {
  const shown = Buffer.from(bytes.subarray(0, 64)).toString('hex');
  return bytes.length > 64 ? `${shown}… (${bytes.length} bytes)` : shown || 'nothing';
}
