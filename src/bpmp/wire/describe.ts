import type { CommandInfo } from './family.js';
import { commandOf } from './mrqs.js';
import type { ChipNames } from './names.js';
import { decodeRequest } from './request.js';
import type { Item } from './struct/items.js';
import { quote } from './struct/text.js';
import type { Named, Value } from './struct/value.js';
import { withoutUnit } from './units.js';

/** A line is never longer than this, whatever a guest puts into its request. */
const MAX_LINE = 200;

/** A value without a meaning of its own, compact: `5`, `[1,2]`, `{id=1,bw=2}`. */
function plain(value: Value): string {
  if (typeof value === 'string') return quote(value);
  if (typeof value !== 'object') return String(value);
  if (Array.isArray(value)) return `[${value.map(plain).join(',')}]`;
  const entries = Object.entries(value as Readonly<Record<string, Value>>);
  return `{${entries.map(([name, inner]) => `${name}=${plain(inner)}`).join(',')}}`;
}

function show(item: Item, value: Value): string {
  if (item.item === 'string') return quote(String(value));
  if (item.item === 'list' && item.as === 'text') return quote(String(value));
  if (item.item === 'list' && item.as === 'hex') return `${item.name}=${String(value).slice(0, 64)}`;
  const known = item.item === 'field' ? item.type.show?.(value) : undefined;
  // A rate, a resource or a state says what it is; other quantities need their name.
  if (known !== undefined && item.item === 'field') {
    const name = withoutUnit(item.name);
    return name === item.name || name === 'rate' ? known : `${name}=${known}`;
  }
  return item.item === 'field' || item.item === 'list' ? `${item.name}=${plain(value)}` : '';
}

function parts(info: CommandInfo, fields: Readonly<Record<string, Value>>): string[] {
  const words: string[] = [];
  for (const { item } of info.request.placed) {
    if (item.item === 'skip' || item.item === 'count') continue;
    const value = fields[item.name];
    if (value !== undefined) words.push(show(item, value));
  }
  const only = Object.values(fields);
  if (only.length === 1 && typeof only[0] === 'object' && (only[0] as Partial<Named>).name !== undefined) {
    words.push(`(${(only[0] as Named).id})`);
  }
  return words;
}

/**
 * One short line for people: `CLK ENABLE GPUSYS (304)`, `CLK SET_RATE GPC0CLK 1.3 GHz`, `MRQ 12 (unknown), 16 bytes`.
 * Safe for a terminal and a log, whatever the guest sent; never throws.
 */
export function describe(mrq: number, tx: Uint8Array, names?: ChipNames): string {
  const request = decodeRequest(mrq, tx, names);
  const title = [request.mrq.name ?? `MRQ ${mrq}`];
  if (request.command) title.push(request.command.name ?? `command ${request.command.id}`);
  if (request.status === 'unknown') return `${title.join(' ')} (unknown), ${tx.length} bytes`;
  const info = commandOf(mrq, request.command?.id ?? 0);
  const words = request.command || info?.name === '' ? parts(info!, request.fields) : [];
  const line = [...title, ...words].join(' ');
  const cut = line.length > MAX_LINE ? `${line.slice(0, MAX_LINE - 1)}…` : line;
  if (request.status === 'ok') return cut;
  const told = request.command ? info?.title : request.mrq.name;
  const reason = (request.reason ?? '').replace(`${told} `, '');
  return `${cut} (malformed: ${reason})`;
}
