import { GpuvmError } from '../../errors.js';
import { nearest } from '../../nearest.js';
import type { CommandInfo } from './family.js';
import type { ChipNames } from './names.js';
import { type EncodedRequest, encodeRequest, resolveCommand, resolveMrq } from './request.js';
import type { Item } from './struct/items.js';
import { quote } from './struct/text.js';
import type { Context } from './struct/value.js';
import { withoutUnit } from './units.js';

type ValueItem = Exclude<Item, { item: 'skip' } | { item: 'count' }>;

function itemsOf(info: CommandInfo): ValueItem[] {
  return info.request.placed.flatMap(({ item }) =>
    item.item === 'skip' || item.item === 'count' ? [] : [item],
  );
}

/** `CLK SET_RATE clock rateHz`, for errors. */
function usage(info: CommandInfo): string {
  return [info.title, ...itemsOf(info).map((item) => item.name)].join(' ');
}

function bad(message: string, details: Record<string, unknown> = {}): GpuvmError {
  return new GpuvmError('GPUVM_REQUEST', message, { details });
}

/** A field's name as people may write it: any case, `-` for `_`, with or without its unit. */
function matches(item: ValueItem, written: string): boolean {
  const wanted = written.toLowerCase().replaceAll('-', '_');
  return [item.name, withoutUnit(item.name)].some((name) => name.toLowerCase() === wanted);
}

function parseValue(info: CommandInfo, item: ValueItem, word: string, context: Context): unknown {
  if (item.item === 'string') return word;
  if (item.item === 'list') {
    if (item.as !== 'values') return word;
    return word === '' ? [] : word.split(',').map((entry) => item.element.parse(entry, context));
  }
  const value = item.type.parse(word, context);
  if (value === undefined)
    throw bad(`${info.title}: ${item.name} must be ${item.type.kind}, not ${quote(word)}`);
  return value;
}

/** The field that `name=value` names, if it does. */
function namedItem(info: CommandInfo, word: string): [ValueItem, string] | undefined {
  const written = /^([A-Za-z_][\w-]*)=/.exec(word);
  const item = written ? itemsOf(info).find((candidate) => matches(candidate, written[1]!)) : undefined;
  return item ? [item, word.slice(written![0].length)] : undefined;
}

/**
 * A request as typed on a command line: an MRQ, its command, then its fields in order or as `field=value`. Names take
 * any case and `-` for `_`; resources go by name or number, rates with or without a unit.
 *
 *     clk enable GPUSYS · clk set-rate GPC0CLK 1.3GHz · pg set-state GPU on · debug open-ro clk/gpusys/rate
 *
 * Throws GPUVM_REQUEST that says which word is wrong and, for a name, which is the nearest.
 */
export function parseRequestWords(words: readonly string[], names?: ChipNames): EncodedRequest {
  const [mrqWord, ...rest] = words;
  if (mrqWord === undefined) throw bad('a request needs an MRQ, such as: clk enable GPUSYS');
  const family = resolveMrq(mrqWord);
  const info = resolveCommand(family, family.hasCommands ? rest.shift() : undefined);
  const fields: Record<string, unknown> = {};
  const context: Context = { names, parent: fields };
  const open = itemsOf(info);
  for (const word of rest) {
    const named = namedItem(info, word);
    const item = named?.[0] ?? open.find((candidate) => fields[candidate.name] === undefined);
    if (item === undefined) throw bad(`${quote(word)} is one word too many: ${usage(info)}`);
    const unknown = /^([A-Za-z_][\w-]*)=/.exec(word);
    const isText = item.item === 'string' || (item.item === 'list' && item.as === 'text');
    if (!named && unknown && !isText) {
      const known = itemsOf(info).map((candidate) => withoutUnit(candidate.name));
      const meant = nearest(unknown[1]!, known);
      const help = meant === undefined ? usage(info) : `did you mean ${meant}?`;
      throw bad(`${info.title} has no field ${unknown[1]}: ${help}`);
    }
    fields[item.name] = parseValue(info, item, named ? named[1] : word, context);
  }
  const missing = open.find(
    (item) => fields[item.name] === undefined && (item.item !== 'field' || endOf(info, item) <= info.minimum),
  );
  if (missing) throw bad(`${info.title} needs ${missing.name}: ${usage(info)}`);
  return encodeRequest({ mrq: family.number, command: info.number, fields }, names);
}

function endOf(info: CommandInfo, wanted: ValueItem): number {
  const at = info.request.placed.find(({ item }) => item === wanted)!;
  return at.offset + (wanted.item === 'field' ? wanted.type.size : 0);
}
