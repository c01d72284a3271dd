import { signOf, usualQuantity } from './operators.js';
import { writeString } from './string.js';
import type { Expression, FieldName, Literal, Operator, Quantity, SetItem } from './syntax.js';

/** The expression as text that is parsed to the same. */
export function printFilter(expression: Expression): string {
  switch (expression.kind) {
    case 'or':
      return expression.of.map((inner) => within(inner, inner.kind === 'or')).join(' || ');
    case 'and':
      return expression.of
        .map((inner) => within(inner, inner.kind === 'or' || inner.kind === 'and'))
        .join(' && ');
    case 'not':
      return `!${within(expression.of, expression.of.kind === 'or' || expression.of.kind === 'and')}`;
    case 'exists':
      return expression.field.name;
    case 'compare': {
      const { field, operator, quantity, value } = expression;
      return `${subject(field, operator, quantity)} ${signOf(operator, quantity)} ${printValue(value)}`;
    }
    case 'in': {
      const { field, quantity, items } = expression;
      return `${subject(field, 'in', quantity)} in {${items.map(printItem).join(', ')}}`;
    }
  }
}

function within(expression: Expression, isWrapped: boolean): string {
  return isWrapped ? `(${printFilter(expression)})` : printFilter(expression);
}

function subject({ name }: FieldName, operator: Operator, quantity: Quantity): string {
  return usualQuantity(operator, quantity) ? name : `all ${name}`;
}

function printItem(item: SetItem): string {
  return item.kind === 'range' ? `${printValue(item.from)}..${printValue(item.to)}` : printValue(item);
}

function printValue(value: FieldName | Literal): string {
  if (value.kind === 'field') return value.name;
  return value.kind === 'string' ? writeString(value.text) : value.text;
}
