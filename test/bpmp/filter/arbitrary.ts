import fc from 'fast-check';
import { type Field, fieldByName } from '../../../src/bpmp/fields/index.js';
import type { Expression, FieldName, Literal, SetItem } from '../../../src/bpmp/filter/index.js';

const nowhere = { at: 0, length: 0 };
const word = (text: string): Literal => ({ kind: 'word', text, ...nowhere });
const string = (text: string): Literal => ({ kind: 'string', text, ...nowhere });

/** A few of each type; of some, a transfer has several values or none. */
const names = [
  ...[
    'bpmp.verdict',
    'bpmp.vm',
    'bpmp.rule',
    'bpmp.cmd.name',
    'bpmp.clk.name',
    'bpmp.clk.reply.parents.name',
  ],
  ...['bpmp.ret', 'bpmp.sequence', 'bpmp.latency', 'bpmp.mrq', 'bpmp.clk.id', 'bpmp.clk.reply.parents'],
  ...[
    'bpmp.clk.rate_hz',
    'bpmp.clk.reply.rate_hz',
    'bpmp.time',
    'bpmp.hidden',
    'bpmp.tx',
    'bpmp.rx',
    'bpmp.tx.size',
  ],
];
const known = names.map((name) => fieldByName(name)!);

function literalOf({ name, type }: Field): fc.Arbitrary<Literal> {
  switch (type) {
    case 'string':
      if (name === 'bpmp.verdict') return fc.constantFrom('allow', 'deny').map(string);
      if (name === 'bpmp.cmd.name') return fc.constantFrom('ENABLE', 'SET_RATE').map(string);
      return fc
        .oneof(
          fc.constantFrom('GPUSYS', 'PLLP_OUT0', 'orin', 'a'),
          fc.string({ minLength: 1, unit: 'binary' }),
        )
        .map(string);
    case 'uint':
      return fc.oneof(fc.nat(40), fc.nat()).map((value) => word(String(value)));
    case 'int':
      return fc.oneof(fc.integer({ min: -40, max: 5 }), fc.integer()).map((value) => word(String(value)));
    case 'time':
      return fc
        .oneof(
          fc.constantFrom('0.000001', '5ms', '20us', '1s'),
          fc.nat(99999).map((n) => `${n}ns`),
        )
        .map(word);
    case 'bool':
      return fc.constantFrom('true', 'false', '0', '1').map(word);
    default:
      return fc
        .uint8Array({ minLength: 1, maxLength: 4 })
        .map((bytes) => word(Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join(':')));
  }
}

const reference = ({ name }: Field): FieldName => ({ kind: 'field', name, ...nowhere });
const quantity = fc.constantFrom('any' as const, 'all' as const);

const tests: fc.Arbitrary<Expression> = fc.constantFrom(...known).chain((field) => {
  const isOrdered = field.type !== 'bool' && field.type !== 'bytes';
  const isText = field.type === 'string' || field.type === 'bytes';
  const operators = [
    ...(['==', '!='] as const),
    ...(isOrdered ? (['<', '<=', '>', '>='] as const) : []),
    ...(isText ? (['contains'] as const) : []),
  ];
  const literal = literalOf(field);
  const same = known.filter(({ type }) => type === field.type).map(reference);
  const item: fc.Arbitrary<SetItem> =
    isOrdered && field.type !== 'string' && field.type !== 'time'
      ? fc.oneof(
          literal,
          fc.tuple(fc.nat(50), fc.nat(50)).map(([from, size]) => ({
            kind: 'range' as const,
            from: word(String(from)),
            to: word(String(from + size)),
          })),
        )
      : literal;
  return fc.oneof(
    fc.constant<Expression>({ kind: 'exists', field: reference(field) }),
    fc
      .record({
        operator: fc.constantFrom(...operators),
        quantity,
        value: fc.oneof(
          { weight: 4, arbitrary: literal },
          { weight: 1, arbitrary: fc.constantFrom(...same) },
        ),
      })
      .map((parts): Expression => ({ kind: 'compare', field: reference(field), place: nowhere, ...parts })),
    fc
      .record({ quantity, items: fc.array(item, { minLength: 1, maxLength: 4 }) })
      .map((parts): Expression => ({ kind: 'in', field: reference(field), place: nowhere, ...parts })),
  );
});

/** Any expression that is right. */
export const anyExpression: fc.Arbitrary<Expression> = fc.letrec<{ any: Expression }>((tie) => ({
  any: fc.oneof(
    { maxDepth: 5, withCrossShrink: true },
    tests,
    tie('any').map((of): Expression => ({ kind: 'not', of })),
    fc
      .record({
        kind: fc.constantFrom('and' as const, 'or' as const),
        of: fc.array(tie('any'), { minLength: 2, maxLength: 4 }),
      })
      .map((parts): Expression => parts),
  ),
})).any;
