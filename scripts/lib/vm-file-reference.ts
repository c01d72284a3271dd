import { readFileSync } from 'node:fs';

/** What of JSON Schema a VM file's schema uses. */
interface Schema {
  readonly type?: string | readonly string[];
  readonly title?: string;
  readonly description?: string;
  readonly default?: unknown;
  readonly const?: unknown;
  readonly enum?: readonly unknown[];
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
  readonly additionalProperties?: Schema | boolean;
  readonly items?: Schema;
  readonly oneOf?: readonly Schema[];
  readonly anyOf?: readonly Schema[];
  readonly minimum?: number;
  readonly maximum?: number;
  readonly pattern?: string;
}

/** The keys of each chapter; a key that is in none, or in two, is a mistake. */
const chapters: readonly (readonly [title: string, keys: readonly string[]])[] = [
  ['The machine', ['name', 'qemu', 'machine', 'cpu', 'smp', 'cpuPinning', 'memory', 'memoryBackend']],
  ['What it boots', ['kernel', 'initrd', 'append', 'dtb', 'deviceTree', 'firmware']],
  ['Disks, networks, ports', ['disks', 'nets', 'serial', 'usb', 'guestAgent']],
  ["The host's devices", ['platformDevices', 'pciDevices', 'platformBus', 'restore']],
  ['The power firmware', ['bridge', 'backend', 'policy']],
  ['QEMU around them', ['display', 'defaults', 'reboot', 'onPanic', 'watchdog', 'extraArguments']],
  [
    'Its life',
    ['ready', 'stop', 'deadlines', 'restart', 'onGuestReset', 'hooks', 'control', 'metrics', 'capture'],
  ],
];

/** docs/vm-file.md: what is written by hand, with a table of every key from the schema. */
export function vmFileReference(schema: unknown, preface: string): string {
  const properties = (schema as Schema).properties ?? {};
  const required = new Set((schema as Schema).required);
  checkChapters(Object.keys(properties));
  const tables = chapters.map(([title, keys]) => {
    const rows = keys.flatMap((key) => rowsOf(key, properties[key]!, required.has(key)));
    return `## ${title}\n\n| key | what | values | default |\n|---|---|---|---|\n${rows.join('\n')}\n`;
  });
  return `${preface.trimEnd()}\n\n${tables.join('\n')}`;
}

export function readPreface(): string {
  return readFileSync(new URL('vm-file-preface.md', import.meta.url), 'utf8');
}

function checkChapters(keys: readonly string[]): void {
  const listed = chapters.flatMap(([, keys]) => keys);
  const wrong = [...keys, ...listed].filter(
    (key) => !keys.includes(key) || listed.filter((other) => other === key).length !== 1,
  );
  if (wrong.length > 0)
    throw new Error(`not in one chapter of the reference: ${[...new Set(wrong)].join(', ')}`);
}

/** A key's own row, and those of the keys below it. */
function rowsOf(path: string, schema: Schema, isRequired: boolean): string[] {
  const { description } = schema;
  if (description === undefined) throw new Error(`${path} has no description`);
  return [
    row(path, description, valuesOf(schema), defaultOf(schema, isRequired)),
    ...rowsBelow(path, schema),
  ];
}

function rowsBelow(path: string, schema: Schema): string[] {
  if (schema.properties) return rowsOfMap(path, schema);
  if (schema.items) return rowsBelow(`${path}[]`, schema.items);
  const alternatives = schema.oneOf ?? schema.anyOf;
  if (!alternatives) return [];
  const maps = alternatives.filter(({ properties }) => properties);
  const kindKey = maps.length > 1 ? discriminatorOf(maps) : undefined;
  if (kindKey === undefined) return maps.flatMap((map) => rowsOfMap(path, map));
  return maps.flatMap((map) => {
    const kind = map.properties![kindKey]!;
    const own = row(`${path}.${kindKey}: ${kind.const}`, kind.description ?? '', '', '');
    const others = Object.entries(map.properties!).filter(([key]) => key !== kindKey);
    return [own, ...others.flatMap(([key, each]) => rowsOf(`${path}.${key}`, each, isRequiredIn(map, key)))];
  });
}

function rowsOfMap(path: string, map: Schema): string[] {
  return Object.entries(map.properties!).flatMap(([key, each]) =>
    rowsOf(`${path}.${key}`, each, isRequiredIn(map, key)),
  );
}

function isRequiredIn(map: Schema, key: string): boolean {
  return map.required?.includes(key) ?? false;
}

/** The key whose value says which alternative it is. */
function discriminatorOf(maps: readonly Schema[]): string | undefined {
  return Object.keys(maps[0]!.properties!).find((key) =>
    maps.every((map) => map.properties![key]?.const !== undefined),
  );
}

function row(path: string, what: string, values: string, byDefault: string): string {
  const cells = [`\`${path}\``, what, values, byDefault];
  return `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
}

function valuesOf(schema: Schema): string {
  if (schema.title !== undefined) return schema.title;
  const { enum: options, items, properties, additionalProperties, minimum, maximum } = schema;
  if (options) return options.map((option) => `\`${option}\``).join(', ');
  if (items) return listOf(items);
  if (properties || typeof additionalProperties === 'object') return 'a map';
  const alternatives = schema.oneOf ?? schema.anyOf;
  if (alternatives) {
    const maps = alternatives.filter((each) => each.properties);
    const kind = maps.length > 1 ? discriminatorOf(maps) : undefined;
    if (kind) return `a map, by its \`${kind}\``;
    return [...new Set(alternatives.map(valuesOf))].join(' or ');
  }
  if (schema.type === 'integer' && minimum !== undefined && maximum !== undefined && maximum < 2 ** 32)
    return `${minimum} to ${maximum}`;
  const types: Readonly<Record<string, string>> = {
    string: 'text',
    boolean: '`true`, `false`',
    number: 'a number',
    integer: 'a number',
    null: '`null`',
  };
  return [schema.type ?? []]
    .flat()
    .map((type) => types[type] ?? type)
    .join(' or ');
}

function listOf(items: Schema): string {
  if (items.properties || items.oneOf) return 'a list of maps';
  return items.title === undefined ? 'a list' : `a list: each ${items.title}`;
}

function defaultOf({ default: byDefault }: Schema, isRequired: boolean): string {
  if (isRequired) return 'must be given';
  if (byDefault === undefined) return '';
  if (Array.isArray(byDefault) && byDefault.length === 0) return 'none';
  if (typeof byDefault !== 'object' || byDefault === null) return `\`${byDefault}\``;
  const pairs = Object.entries(byDefault).map(([key, value]) => `${key}: ${value}`);
  return pairs.length === 0 ? '' : `\`${pairs.join(', ')}\``;
}
