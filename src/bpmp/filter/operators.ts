import type { FieldType } from '../fields/index.js';
import type { Operator, Quantity } from './syntax.js';

export interface Comparison {
  readonly operator: Operator;
  readonly quantity: Quantity;
}

const any = (operator: Operator): Comparison => ({ operator, quantity: 'any' });
const all = (operator: Operator): Comparison => ({ operator, quantity: 'all' });

/** Every way to write a comparison, as Wireshark has them. */
export const comparisons: ReadonlyMap<string, Comparison> = new Map([
  ['==', any('==')],
  ['eq', any('==')],
  ['any_eq', any('==')],
  ['===', all('==')],
  ['all_eq', all('==')],
  ['!=', all('!=')],
  ['ne', all('!=')],
  ['all_ne', all('!=')],
  ['~=', any('!=')],
  ['!==', any('!=')],
  ['any_ne', any('!=')],
  ['>', any('>')],
  ['gt', any('>')],
  ['>=', any('>=')],
  ['ge', any('>=')],
  ['<', any('<')],
  ['lt', any('<')],
  ['<=', any('<=')],
  ['le', any('<=')],
  ['contains', any('contains')],
  ['~', any('matches')],
  ['matches', any('matches')],
  ['in', any('in')],
]);

/** Words that are no values; `any` and `all` are looked at by their place. */
export const reserved: ReadonlySet<string> = new Set([
  ...[...comparisons.keys()].filter((name) => /^\w+$/.test(name)),
  'and',
  'or',
  'not',
]);

/** How it is printed. */
export function signOf(operator: Operator, quantity: Quantity): string {
  if (operator === '==' && quantity === 'all') return '===';
  if (operator === '!=') return quantity === 'all' ? '!=' : '~=';
  return operator;
}

/** Whether the sign alone says how it goes over several values. */
export function usualQuantity(operator: Operator, quantity: Quantity): boolean {
  return quantity === 'any' || operator === '==' || operator === '!=';
}

const equal: readonly Operator[] = ['==', '!=', 'in'];
const order: readonly Operator[] = ['==', '!=', '>', '>=', '<', '<=', 'in'];

/** What can be asked of a value of each type. */
export const operatorsOf: Readonly<Record<FieldType, readonly Operator[]>> = {
  uint: order,
  int: order,
  float: order,
  time: order,
  bool: equal,
  string: [...order, 'contains', 'matches'],
  bytes: [...equal, 'contains', 'matches'],
};
