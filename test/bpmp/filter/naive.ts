import type { TransferRecord } from '../../../src/bpmp/capture/index.js';
import { type FieldValue, fieldByName } from '../../../src/bpmp/fields/index.js';
import type { Expression, Literal } from '../../../src/bpmp/filter/index.js';

/** What an expression says of a record, looked up value by value, with nothing prepared: as one would explain it. */
export function naively(expression: Expression, record: TransferRecord): boolean {
  switch (expression.kind) {
    case 'and':
      return expression.of.every((inner) => naively(inner, record));
    case 'or':
      return expression.of.some((inner) => naively(inner, record));
    case 'not':
      return !naively(expression.of, record);
    case 'exists':
      return valuesOf(expression.field.name, record).length > 0;
    case 'in': {
      const { field, quantity, items } = expression;
      const results = valuesOf(field.name, record).map((value) =>
        items.some((item) =>
          item.kind === 'range'
            ? compare('>=', value, meaning(item.from, field.name)) &&
              compare('<=', value, meaning(item.to, field.name))
            : compare('==', value, meaning(item, field.name)),
        ),
      );
      return quantity === 'all' ? results.length > 0 && results.every(Boolean) : results.some(Boolean);
    }
    case 'compare': {
      const { field, operator, quantity, value } = expression;
      const others = value.kind === 'field' ? valuesOf(value.name, record) : [meaning(value, field.name)];
      const results = valuesOf(field.name, record).flatMap((one) =>
        others.map((other) => compare(operator, one, other)),
      );
      return quantity === 'all' ? results.length > 0 && results.every(Boolean) : results.some(Boolean);
    }
  }
}

function valuesOf(name: string, record: TransferRecord): readonly FieldValue[] {
  return fieldByName(name)!.values(record);
}

function meaning({ text }: Literal, name: string): FieldValue {
  const { type, wide } = fieldByName(name)!;
  if (type === 'string') return text;
  if (type === 'bool') return text === 'true' || text === '1';
  if (type === 'bytes') return Uint8Array.from(text.split(':').map((digits) => Number.parseInt(digits, 16)));
  if (type !== 'time') return wide ? BigInt(text) : Number(text);
  const [, number, unit = 's'] = /^([\d.]+)(\w+)?$/.exec(text)!;
  return Math.round(Number(number) * { s: 1e9, ms: 1e6, us: 1e3, ns: 1 }[unit]!);
}

/** Bytes as texts of two digits each, so that all types compare and contain in one way. */
function compare(operator: string, a: FieldValue, b: FieldValue): boolean {
  const [one, other] = [a, b].map((value) =>
    value instanceof Uint8Array ? Array.from(value).join(',') : value,
  ) as [string, string];
  switch (operator) {
    case '==':
      return one >= other && one <= other;
    case '!=':
      return !(one >= other && one <= other);
    case '<':
      return one < other;
    case '<=':
      return one <= other;
    case '>':
      return one > other;
    case '>=':
      return one >= other;
    default:
      return a instanceof Uint8Array ? `,${one},`.includes(`,${other},`) : one.includes(other);
  }
}
