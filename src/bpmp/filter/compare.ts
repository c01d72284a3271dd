import type { FieldValue } from '../fields/index.js';
import type { Operator } from './syntax.js';

export type Order = Exclude<Operator, 'contains' | 'matches' | 'in'>;
export type Test = (value: FieldValue) => boolean;

/** Two values of one type; 64-bit integers and others compare by what they are. */
export function holds(operator: Order, a: FieldValue, b: FieldValue): boolean {
  switch (operator) {
    case '==':
      return isEqual(a, b);
    case '!=':
      return !isEqual(a, b);
    case '<':
      return a < b;
    case '<=':
      return a <= b;
    case '>':
      return a > b;
    case '>=':
      return a >= b;
  }
}

function isEqual(a: FieldValue, b: FieldValue): boolean {
  if (a instanceof Uint8Array || b instanceof Uint8Array)
    return a instanceof Uint8Array && b instanceof Uint8Array && Buffer.compare(a, b) === 0;
  // A wide field may be compared with one that is not: 1n and 1 are the same.
  return a === b || (typeof a !== typeof b && !(a < b) && !(a > b));
}

/** The same with the second value fixed; a closure for each operator, as this is where the time goes. */
export function against(operator: Order, b: FieldValue): Test {
  if (b instanceof Uint8Array) return (a) => holds(operator, a, b);
  switch (operator) {
    case '==':
      return (a) => a === b;
    case '!=':
      return (a) => a !== b;
    case '<':
      return (a) => a < b;
    case '<=':
      return (a) => a <= b;
    case '>':
      return (a) => a > b;
    case '>=':
      return (a) => a >= b;
  }
}

/** Whether a text or bytes have the part in them. */
export function hasPart(whole: FieldValue, part: FieldValue): boolean {
  if (typeof whole === 'string') return whole.includes(part as string);
  if (!(whole instanceof Uint8Array) || !(part instanceof Uint8Array)) return false;
  return Buffer.from(whole.buffer, whole.byteOffset, whole.byteLength).indexOf(part) >= 0;
}
