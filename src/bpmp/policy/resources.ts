import { nearest } from '../../nearest.js';
import type { ResourceTable } from '../wire/index.js';
import { canSetRate, formatGrant, type Grant } from './grant.js';
import type { GrantLine } from './model.js';
import { listed, quote } from './problems.js';
import { parseRate } from './rate.js';
import type { Entry, Reader } from './reader.js';
import type { ResourceKind } from './resource-kind.js';
import { includes, type Right } from './rights.js';
import { select } from './selector.js';

/** The lines of `clocks:`, `resets:` or `powerDomains:`, by id. */
export function readResources(
  section: Entry | undefined,
  kind: ResourceKind,
  table: ResourceTable,
  reader: Reader,
): Map<number, GrantLine> {
  const lines = new Map<number, GrantLine>();
  if (section === undefined || isEmpty(section, reader)) return lines;
  for (const entry of reader.entries(section.value, `"${kind.section}"`, section.place) ?? []) {
    const selection = select(entry.key, table);
    if (typeof selection === 'string') {
      reader.problems.mistake(selection, entry.place);
      continue;
    }
    const grant = readGrant(entry, kind, table, reader);
    if (grant === undefined) continue;
    const rule = {
      text: `${entry.place.file}:${entry.place.line} ${kind.section}.${entry.key}`,
      place: entry.place,
    };
    addLine(lines, selection.ids, { grant, rule }, entry, table, reader);
  }
  return lines;
}

/** A section whose lines are all commented out is as good as none. */
export function isEmpty(section: Entry, reader: Reader): boolean {
  return reader.plain(section.value) === null;
}

/** An id that two lines speak of is a mistake where they differ, and a warning where they do not; told once a line. */
function addLine(
  lines: Map<number, GrantLine>,
  ids: readonly number[],
  line: GrantLine,
  entry: Entry,
  table: ResourceTable,
  reader: Reader,
): void {
  const written = formatGrant(line.grant);
  let told = false;
  for (const id of ids) {
    const earlier = lines.get(id);
    if (earlier === undefined) {
      lines.set(id, line);
      continue;
    }
    if (told) continue;
    told = true;
    const name = `${table.nameOf(id)} (${id})`;
    const at = `line ${earlier.rule.place?.line}`;
    const before = formatGrant(earlier.grant);
    if (before === written) {
      reader.problems.warn(`${table.kind} ${name} is already given "${before}" at ${at}`, entry.place);
    } else {
      reader.problems.mistake(
        `${table.kind} ${name} is "${before}" at ${at} and "${written}" here: keep one`,
        entry.place,
      );
    }
  }
}

function readGrant(
  entry: Entry,
  kind: ResourceKind,
  table: ResourceTable,
  reader: Reader,
): Grant | undefined {
  if (!reader.isMapping(entry.value)) return readRight(entry, kind, table, reader);
  const known = [
    'right',
    'shared',
    'onShared',
    'commands',
    ...(kind.section === 'clocks' ? ['maxRate'] : []),
  ];
  const before = reader.problems.count;
  const fields = reader.fields(entry.value, quote(entry.key), entry.place, known);
  const right = fields.get('right');
  const commands = fields.get('commands');
  if (right === undefined && commands === undefined) {
    // A misspelt key is mistake enough.
    if (reader.problems.count > before) return undefined;
    reader.problems.mistake(`${quote(entry.key)} has neither "right" nor "commands"`, entry.place);
    return undefined;
  }
  const base = right && readRight(right, kind, table, reader);
  if (right !== undefined && base === undefined) return undefined;
  const shared = fields.get('shared');
  const onShared = fields.get('onShared');
  const maxRate = fields.get('maxRate');
  const answer = onShared && reader.word(onShared, ['absorb', 'deny']);
  const isShared = base?.shared === true || (shared !== undefined && readBoolean(shared, reader));
  const rate = maxRate && readMaxRate(maxRate, reader);
  const names = commands && readCommands(commands, kind, { ...base, shared: isShared }, reader);
  if (commands !== undefined && names === undefined) return undefined;
  const grant: Grant = {
    ...(base?.right !== undefined && { right: base.right }),
    ...(isShared && { shared: true }),
    ...(answer !== undefined && { onShared: answer }),
    ...(rate !== undefined && { maxRateHz: rate }),
    ...(names !== undefined && { commands: names }),
  };
  if (maxRate !== undefined && !canSetRate(grant, kind)) {
    reader.problems.warn(
      `"maxRate" has no effect on ${quote(entry.key)}, which may not set its rate`,
      maxRate.place,
    );
  }
  return grant;
}

function readRight(
  entry: Entry,
  kind: ResourceKind,
  table: ResourceTable,
  reader: Reader,
): Grant | undefined {
  const value = reader.plain(entry.value);
  const right = kind.rights.find((known) => known === value);
  if (right !== undefined) return right === 'shared' ? { right: 'use', shared: true } : { right };
  const place = entry.value?.range ? reader.place(entry.value) : entry.place;
  const rights = listed(kind.rights);
  if (value === null) reader.problems.mistake(`${quote(entry.key)} has no right: write ${rights}`, place);
  else if (value === undefined) reader.problems.mistake(`a right is one word: write ${rights}`, place);
  else if (value === 'read' || value === 'tune') {
    reader.problems.mistake(`a ${table.kind} knows no right ${quote(value)}: write ${rights}`, place);
  } else {
    const near = nearest(String(value), kind.rights);
    const hint = near === undefined ? `write ${rights}` : `did you mean "${near}"?`;
    reader.problems.mistake(`unknown right ${quote(value)}: ${hint}`, place);
  }
  return undefined;
}

function readBoolean(entry: Entry, reader: Reader): boolean {
  const value = reader.plain(entry.value);
  if (typeof value === 'boolean') return value;
  reader.problems.mistake(`"${entry.key}" must be true or false`, entry.place);
  return false;
}

function readMaxRate(entry: Entry, reader: Reader): number | undefined {
  const rate = parseRate(reader.plain(entry.value));
  if (typeof rate === 'number') return rate;
  reader.problems.mistake(rate, entry.value?.range ? reader.place(entry.value) : entry.place);
  return undefined;
}

/** The commands of a line, as this kind of resource spells them, in its order. */
function readCommands(entry: Entry, kind: ResourceKind, base: Grant, reader: Reader): string[] | undefined {
  const items = reader.items(entry.value);
  if (items === undefined || items.length === 0) {
    reader.problems.mistake(
      '"commands" must be a list such as [ENABLE, DISABLE]; for none, write none',
      entry.place,
    );
    return undefined;
  }
  const names = kind.actions.map(({ name }) => name);
  const found = new Set<string>();
  for (const item of items) {
    const value = reader.plain(item);
    const word = String(value ?? '').toUpperCase();
    const action = kind.actions.find(({ name, command }) => name === word || command === value);
    if (action === undefined) {
      reader.problems.mistake(unknownCommand(word, names, kind), reader.place(item));
      continue;
    }
    const needed: Right = base.shared && action.harmsOthers ? 'use' : action.needs;
    if (base.right !== undefined && !includes(base.right, needed)) {
      reader.problems.mistake(
        `${action.name} takes the right "${needed}", not "${base.right}": raise the right or leave it out`,
        reader.place(item),
      );
      continue;
    }
    found.add(action.name);
  }
  return [...new Set(names)].filter((name) => found.has(name));
}

function unknownCommand(word: string, names: readonly string[], kind: ResourceKind): string {
  if (kind.general.some(({ name }) => name === word)) {
    return `${word} names no resource: it belongs to "mrqs: {${kind.family}: [${word}]}", and is allowed by default`;
  }
  const near = nearest(word, names);
  const hint = near === undefined ? `known are ${[...new Set(names)].join(', ')}` : `did you mean "${near}"?`;
  return `unknown ${kind.family} command ${quote(word)}: ${hint}`;
}
