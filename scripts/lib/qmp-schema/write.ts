import { entitiesOf, type NamedSchema } from './ask.js';
import { key, pascal, Shapes, type Way } from './shapes.js';

/** Commands that take members which the schema does not list, because they depend on an argument. */
const OPEN = new Set(['device_add']);

interface Row {
  readonly name: string;
  readonly type: string;
  readonly notes: readonly string[];
}

/** Names and types of one table, each from the first schema that has it. */
type Pick = (schema: NamedSchema) => Omit<Row, 'notes'>[];

const args: Pick = (schema) =>
  entitiesOf(schema, 'command').map((command) => ({ name: command.name, type: command['arg-type'] }));
const returns: Pick = (schema) =>
  entitiesOf(schema, 'command').map((command) => ({ name: command.name, type: command['ret-type'] }));
const data: Pick = (schema) =>
  entitiesOf(schema, 'event').map((event) => ({ name: event.name, type: event['arg-type'] }));

/** src/qmp/generated/arguments.ts */
export function writeArguments(schemas: readonly NamedSchema[]): string {
  const { tables, declarations } = write(schemas, 'arguments', [['CommandArguments', args, '']]);
  return file(schemas, [
    '/** An integer; a bigint that JSON cannot carry exactly is refused when it is sent. */',
    'export type Int = number | bigint;',
    ...declarations,
    ...tables,
  ]);
}

/** src/qmp/generated/answers.ts */
export function writeAnswers(schemas: readonly NamedSchema[]): string {
  const { tables, declarations } = write(schemas, 'answers', [
    ['CommandReturns', returns, ''],
    ['EventData', data, 'Event'],
  ]);
  return file(schemas, [...declarations, ...tables]);
}

function write(
  schemas: readonly NamedSchema[],
  way: Way,
  wanted: readonly (readonly [name: string, pick: Pick, suffix: string])[],
) {
  const taken = new Set<string>(wanted.map(([name]) => name));
  const declarations: string[] = [];
  const rows = wanted.map(() => new Map<string, string>());
  schemas.forEach((schema, index) => {
    const older = schemas.slice(0, index);
    const fresh = wanted.map(([, pick]) =>
      pick(schema).filter(({ name }) => !older.some(({ entities }) => entities.has(name))),
    );
    const shapes = new Shapes(
      schema,
      way,
      fresh.flat().map(({ type }) => type),
      taken,
    );
    wanted.forEach(([, , suffix], table) => {
      for (const { name, type } of fresh[table]!) {
        const text = shapes.of(type, pascal(name) + suffix);
        const open = way === 'arguments' && OPEN.has(name) ? ' & Readonly<Record<string, unknown>>' : '';
        rows[table]!.set(name, `  ${comment(schemas, name)}${key(name)}: ${text}${open};`);
      }
    });
    declarations.push(...shapes.declarations);
  });
  const tables = wanted.flatMap(([name], table) => [
    `export interface ${name} {`,
    ...[...rows[table]!].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, row]) => row),
    '}',
  ]);
  return { tables, declarations };
}

/** What a reader in an editor should know of a command or event. */
function comment(schemas: readonly NamedSchema[], name: string): string {
  const notes: string[] = [];
  const entities = schemas.map(({ entities }) => entities.get(name));
  const newest = entities.find((entity) => entity !== undefined);
  if (newest && 'allow-oob' in newest && newest['allow-oob']) notes.push('May be sent out of band.');
  const without = schemas.filter((_, index) => entities[index] === undefined).map(({ label }) => label);
  if (without.length > 0) notes.push(`Not in QEMU ${without.join(', ')}.`);
  if (newest && 'features' in newest && newest.features?.includes('deprecated')) notes.push('@deprecated');
  return notes.length === 0 ? '' : `/** ${notes.join(' ')} */ `;
}

function file(schemas: readonly NamedSchema[], lines: readonly string[]): string {
  return [
    '// biome-ignore-all format: written by a program, and short rather than pretty.',
    `// scripts/generate-qmp-types.ts wrote this from what QEMU ${schemas.map(({ label }) => label).join(', ')} say of themselves.`,
    '',
    '/** No members. */',
    'export type Empty = Record<string, never>;',
    ...lines,
    '',
  ].join('\n');
}
