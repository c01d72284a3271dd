import fc from 'fast-check';
import { tegra234 } from '../../../src/bpmp/tegra234/index.js';
import { mrqs, type ResourceTable } from '../../../src/bpmp/wire/index.js';

const onShared = fc.constantFrom('', ', onShared: absorb', ', onShared: deny');
const maxRate = fc.constantFrom('', ', maxRate: 1.3 GHz', ', maxRate: 408 MHz', ', maxRate: 1');

/** Every way to write a clock's line. */
const clockValue = fc.oneof(
  fc.constantFrom('none', 'read', 'use', 'tune', 'shared'),
  fc
    .tuple(fc.constantFrom('none', 'read', 'use', 'tune', 'shared'), onShared, maxRate)
    .map(([right, answer, rate]) => `{right: ${right}${answer}${rate}}`),
  fc.tuple(fc.constantFrom('read', 'use', 'tune'), onShared, maxRate).map(([right, answer, rate]) => {
    return `{right: ${right}, shared: true${answer}${rate}}`;
  }),
  fc
    .tuple(
      fc.subarray(['GET_RATE', 'SET_RATE', 'ROUND_RATE', 'SET_PARENT', 'IS_ENABLED', 'ENABLE', 'DISABLE'], {
        minLength: 1,
      }),
      fc.constantFrom('', ', right: tune', ', shared: true'),
      onShared,
      maxRate,
    )
    .map(([commands, right, answer, rate]) => `{commands: [${commands.join(', ')}]${right}${answer}${rate}}`),
);

const resetValue = fc.oneof(
  fc.constantFrom('none', 'use', 'shared'),
  onShared.map((answer) => `{right: shared${answer}}`),
  fc
    .subarray(['ASSERT', 'DEASSERT', 'MODULE'], { minLength: 1 })
    .map((list) => `{commands: [${list.join(', ')}]}`),
);

const powerValue = fc.oneof(
  fc.constantFrom('none', 'read', 'use', 'shared'),
  onShared.map((answer) => `{right: use, shared: true${answer}}`),
  fc
    .subarray(['SET_STATE', 'GET_STATE', 'GET_NAME'], { minLength: 1 })
    .map((list) => `{commands: [${list.join(', ')}]}`),
);

/** A section with lines that do not overlap: names, numbers and ranges over what has a name. */
function section(name: string, table: ResourceTable, value: fc.Arbitrary<string>): fc.Arbitrary<string> {
  const size = table.ids.length;
  return fc
    .uniqueArray(fc.tuple(fc.nat(size - 1), fc.nat(12), fc.nat(2), value), {
      selector: ([at]) => at,
      maxLength: 12,
      size: 'max',
    })
    .map((drafts) => {
      const sorted = drafts.sort((a, b) => a[0] - b[0]);
      const lines = sorted.map(([at, length, style, right], index) => {
        const limit = (sorted[index + 1]?.[0] ?? size) - 1;
        const last = Math.min(at + length, limit);
        const first = table.ids[at]!;
        const key =
          last > at
            ? `${style === 0 ? first : table.nameOf(first)}..${table.nameOf(table.ids[last]!)}`
            : style === 0
              ? first
              : table.nameOf(first);
        return `  ${key}: ${right}\n`;
      });
      return lines.length === 0 ? '' : `${name}:\n${lines.join('')}`;
    });
}

const families = [...mrqs.values()].filter(({ passesAddresses, name }) => !passesAddresses && name !== 'I2C');
const general: Record<string, string[]> = {
  CLK: ['GET_MAX_CLK_ID'],
  RESET: ['GET_MAX_ID'],
  PG: ['QUERY_ABI', 'GET_MAX_ID'],
};

function familyValue({ name, hasCommands, commands }: (typeof families)[number]): fc.Arbitrary<string> {
  const names = general[name] ?? commands.filter(({ fromBpmp }) => !fromBpmp).map((command) => command.name);
  if (!hasCommands) return fc.constantFrom('none', 'allow');
  const list = fc.subarray(names, { minLength: 1 }).map((some) => `[${some.join(', ')}]`);
  const reads = commands.some(({ effect, fromBpmp }) => effect === 'read' && !fromBpmp);
  const words = [
    'none',
    ...(name in general || name === 'DEBUG' ? [] : ['allow']),
    ...(reads ? ['read'] : []),
  ];
  return fc.oneof(list, fc.constantFrom(...words));
}

const mrqSection = fc
  .subarray(families, { maxLength: 6 })
  .chain((some) =>
    fc.tuple(...some.map((family) => familyValue(family).map((value) => `  ${family.name}: ${value}\n`))),
  )
  .map((lines) => (lines.length === 0 ? '' : `mrqs:\n${lines.join('')}`));

const busSection = fc
  .option(fc.tuple(fc.nat(6), fc.uniqueArray(fc.nat(0x7f), { maxLength: 4 })), { nil: undefined })
  .map((bus) => (bus === undefined ? '' : `i2c:\n  ${bus[0]}: [${bus[1].join(', ')}]\n`));

/** The text of a valid policy. */
export const policyText: fc.Arbitrary<string> = fc
  .tuple(
    fc.constantFrom('', 'view: filtered\n', 'view: full\n'),
    fc.constantFrom('', 'shared: absorb\n', 'shared: deny\n'),
    section('clocks', tegra234.clocks, clockValue),
    section('resets', tegra234.resets, resetValue),
    section('powerDomains', tegra234.powerDomains, powerValue),
    mrqSection,
    busSection,
  )
  .map((parts) => `version: 1\n${parts.join('')}`);

/** Some of the clocks that a mediator may have found above the granted ones; not all have a name. */
export const closure: fc.Arbitrary<number[]> = fc.array(fc.nat(tegra234.clocks.maxId + 20), { maxLength: 8 });
