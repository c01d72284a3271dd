import { latin1 } from '../wire/index.js';
import type { Field, FieldValue } from './field.js';
import type { ListStep, Node, NumberNode, Plan } from './plan.js';

/** What a struct's bytes say, by field. */
export type Values = Map<Field, FieldValue[]>;

/** An integer of up to four bytes. */
export function readSmall(view: DataView, offset: number, size: number, signed: boolean): number {
  switch (size) {
    case 1:
      return signed ? view.getInt8(offset) : view.getUint8(offset);
    case 2:
      return signed ? view.getInt16(offset, true) : view.getUint16(offset, true);
    case 3:
      return view.getUint16(offset, true) | (view.getUint8(offset + 2) << 16);
    default:
      return signed ? view.getInt32(offset, true) : view.getUint32(offset, true);
  }
}

/** A text as a value: what ends a text elsewhere is shown as its symbol, as no display filter could hold it. */
export function visibleNul(text: string): string {
  return text.includes('\0') ? text.replaceAll('\0', '␀') : text;
}

function put(into: Values, field: Field, value: FieldValue): void {
  const values = into.get(field);
  if (values === undefined) into.set(field, [value]);
  else values.push(value);
}

function bytesOf(view: DataView, offset: number, size: number): Uint8Array {
  return new Uint8Array(view.buffer, view.byteOffset + offset, size);
}

function untilNul(bytes: Uint8Array): Uint8Array {
  const end = bytes.indexOf(0);
  return end < 0 ? bytes : bytes.subarray(0, end);
}

function readNumber(node: NumberNode, view: DataView, offset: number, into: Values): void {
  const integer = node.layout.form === 'integer' ? node.layout : node.layout.integer;
  if (integer.size === 8) {
    put(into, node.field, integer.signed ? view.getBigInt64(offset, true) : view.getBigUint64(offset, true));
    return;
  }
  const value = readSmall(view, offset, integer.size, integer.signed);
  put(into, node.field, value);
  for (const { field, bit } of node.bits) put(into, field, (value & bit) !== 0);
  const name = node.name?.nameOf(value);
  if (name !== undefined) put(into, node.name!.field, name);
}

function readNode(node: Node, view: DataView, offset: number, into: Values): void {
  switch (node.node) {
    case 'number':
      readNumber(node, view, offset, into);
      break;
    case 'float':
      put(into, node.field, view.getFloat32(offset, true));
      break;
    case 'text':
      put(into, node.field, latin1(untilNul(bytesOf(view, offset, node.size))));
      break;
    case 'record':
      for (const part of node.parts) readNode(part.node, view, offset + part.offset, into);
      break;
    case 'array':
      for (let index = 0; index < node.length; index++)
        readNode(node.element, view, offset + index * node.size, into);
      break;
    case 'variant': {
      const member = node.members.get(readSmall(view, node.offset, node.size, false));
      readNode(member ?? node.others, view, offset, into);
    }
  }
}

/** False where the list is not whole, and nothing behind it means anything. */
function readList({ item, offset, count, content }: ListStep, view: DataView, into: Values): boolean {
  if (count.offset + count.size > view.byteLength) return true;
  const length = readSmall(view, count.offset, count.size, false);
  put(into, count.field, length);
  const { size } = item.element;
  if (length > item.max || offset + length * size > view.byteLength) return false;
  if ('node' in content) {
    for (let index = 0; index < length; index++) readNode(content.node, view, offset + index * size, into);
    return true;
  }
  const bytes = bytesOf(view, offset, length);
  if (item.as === 'text') put(into, content.field, visibleNul(latin1(bytes)));
  else if (length > 0) put(into, content.field, bytes);
  return true;
}

/** Everything that the bytes say, as far as they go. Never throws, whatever they are. */
export function readPlan(plan: Plan, bytes: Uint8Array): Values {
  const into: Values = new Map();
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (const step of plan) {
    const { offset } = step;
    if (step.step === 'value') {
      if (offset + step.item.type.size > bytes.length) break;
      readNode(step.node, view, offset, into);
    } else if (step.step === 'string') {
      const room = bytes.subarray(offset, offset + step.item.max);
      const end = room.indexOf(0);
      if (end < 0) break;
      put(into, step.field, latin1(room.subarray(0, end)));
    } else if (!readList(step, view, into)) break;
  }
  return into;
}
