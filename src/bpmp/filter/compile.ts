import { nearest } from '../../nearest.js';
import type { TransferRecord } from '../capture/index.js';
import { type Field, type FieldValue, fieldByName, fields } from '../fields/index.js';
import { against, hasPart, holds, type Test } from './compare.js';
import { meaningOf } from './literal.js';
import { matcher } from './matches.js';
import { mistake, quoted, type Span } from './mistake.js';
import { operatorsOf, signOf } from './operators.js';
import { parseFilter } from './parse.js';
import type { Expression, FieldName, Operator, Quantity, SetItem } from './syntax.js';
import { reader, type Values } from './values.js';

export type Filter = (record: TransferRecord) => boolean;

type Compare = Extract<Expression, { kind: 'compare' }>;

/**
 * A test of transfers from an expression such as `bpmp.clk.name == "GPUSYS" && bpmp.verdict == "deny"`: Wireshark's display
 * filters, on the dissector's names. An empty one lets everything pass. Throws GPUVM_FILTER.
 */
export function compileFilter(text: string): Filter {
  const expression = parseFilter(text);
  return expression === undefined ? () => true : compile(expression, text);
}

function compile(expression: Expression, text: string): Filter {
  switch (expression.kind) {
    case 'or':
      return expression.of
        .map((inner) => compile(inner, text))
        .reduceRight((rest, first) => (record) => first(record) || rest(record));
    case 'and':
      return expression.of
        .map((inner) => compile(inner, text))
        .reduceRight((rest, first) => (record) => first(record) && rest(record));
    case 'not': {
      const inner = compile(expression.of, text);
      return (record) => !inner(record);
    }
    case 'exists': {
      const values = reader(fieldOf(expression.field, text));
      return (record) => values(record).length > 0;
    }
    case 'compare':
      return compileComparison(expression, text);
    case 'in': {
      const field = fieldOf(expression.field, text);
      checkOperator('in', expression.quantity, field, expression.place, text);
      const tests = expression.items.map((item) => elementTest(item, field, text));
      const test: Test = (value) => tests.some((holdsFor) => holdsFor(value));
      return over(reader(field), expression.quantity, test);
    }
  }
}

function compileComparison(expression: Compare, text: string): Filter {
  const { operator, quantity, value, place } = expression;
  const field = fieldOf(expression.field, text);
  checkOperator(operator, quantity, field, place, text);
  const values = reader(field);
  if (operator === 'matches') {
    if (value.kind !== 'field') return over(values, quantity, matcher(value, text));
    throw mistake(text, value, 'matches takes a regular expression in quotes, not a field');
  }
  if (value.kind === 'field') {
    const other = fieldOf(value, text);
    if (kindOf(field) !== kindOf(other)) {
      const types = `${field.name} has ${describeType(field)}, ${other.name} ${describeType(other)}`;
      throw mistake(text, value, `these cannot be compared: ${types}`);
    }
    const test = operator === 'contains' ? hasPart : holds.bind(undefined, operator);
    return overBoth(values, reader(other), quantity, test);
  }
  if (operator === 'contains') {
    if (value.text === '')
      throw mistake(text, value, 'everything contains nothing: write what is to be found');
    const part = meaningOf(value, field, text, 'any');
    return over(values, quantity, (whole) => hasPart(whole, part));
  }
  const isEquality = operator === '==' || operator === '!=';
  return over(
    values,
    quantity,
    against(operator, meaningOf(value, field, text, isEquality ? 'known' : 'any')),
  );
}

function over(values: Values, quantity: Quantity, test: Test): Filter {
  if (quantity === 'all') {
    // What is not there is not unequal either.
    return (record) => {
      const found = values(record);
      for (let i = 0; i < found.length; i++) if (!test(found[i]!)) return false;
      return found.length > 0;
    };
  }
  return (record) => {
    const found = values(record);
    for (let i = 0; i < found.length; i++) if (test(found[i]!)) return true;
    return false;
  };
}

function overBoth(
  left: Values,
  right: Values,
  quantity: Quantity,
  test: (a: FieldValue, b: FieldValue) => boolean,
): Filter {
  const any = quantity === 'any';
  return (record) => {
    const [some, others] = [left(record), right(record)];
    if (some.length === 0 || others.length === 0) return false;
    for (const a of some) for (const b of others) if (test(a, b) === any) return any;
    return !any;
  };
}

function elementTest(item: SetItem, field: Field, text: string): Test {
  if (item.kind !== 'range') return against('==', meaningOf(item, field, text, 'known'));
  if (field.type === 'bool' || field.type === 'bytes')
    throw mistake(text, item.from, `there is no range of ${describeType(field)}`);
  const [from, to] = [meaningOf(item.from, field, text, 'any'), meaningOf(item.to, field, text, 'any')];
  if (from > to) throw mistake(text, item.from, 'this range ends before it begins');
  return (value) => value >= from && value <= to;
}

function checkOperator(
  operator: Operator,
  quantity: Quantity,
  field: Field,
  place: Span,
  text: string,
): void {
  const fitting = operatorsOf[field.type];
  if (fitting.includes(operator)) return;
  const sign = signOf(operator, quantity);
  throw mistake(
    text,
    place,
    `${field.name} has ${describeType(field)}, which ${quoted(sign)} does not fit: there are ${fitting.join(', ')}`,
  );
}

function fieldOf(name: FieldName, text: string): Field {
  const field = fieldByName(name.name);
  if (field !== undefined) return field;
  const meant =
    nearest(
      name.name,
      fields.map((known) => known.name),
    ) ?? byEnding(name.name);
  const hint = meant ? `did you mean ${meant}?` : 'they begin with bpmp., and gpuvm bpmp fields lists them';
  throw mistake(text, name, `there is no field ${quoted(name.name)}: ${hint}`);
}

/** `verdict` for `bpmp.verdict`, `clk.name` for `bpmp.clk.name`. */
function byEnding(word: string): string | undefined {
  return fields.find(({ name }) => name.endsWith(`.${word.toLowerCase()}`))?.name;
}

/** Fields of one kind compare with each other. */
function kindOf({ type }: Field): string {
  return type === 'uint' || type === 'int' || type === 'float' ? 'number' : type;
}

function describeType({ type }: Field): string {
  const names = {
    uint: 'whole numbers',
    int: 'whole numbers',
    float: 'numbers',
    time: 'spans of time',
    bool: 'true or false',
    string: 'texts',
    bytes: 'bytes',
  };
  return names[type];
}
