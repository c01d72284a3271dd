import { nearest } from '../../nearest.js';
import type { ResourceTable } from '../wire/index.js';
import { quote } from './problems.js';

/** What a key of `clocks:`, `resets:` or `powerDomains:` stands for. */
export interface Selection {
  readonly ids: readonly number[];
  /** True where the key was written as a range, even of one. */
  readonly range: boolean;
}

/**
 * The ids of a name, an alias, a number, or a range of either (`10-20`, `NAFLL_A..NAFLL_B`); a range covers the ids
 * that have a name. A sentence of what is wrong where there are none.
 */
export function select(key: string, table: ResourceTable): Selection | string {
  const word = key.trim();
  const single = table.idOf(word);
  if (single !== undefined) return { ids: [single], range: false };
  if (/^\d+$/.test(word)) {
    const id = idOfNumber(word, table);
    return typeof id === 'string' ? id : { ids: [id], range: false };
  }
  const ends = /^(.+?)\s*\.\.\s*(.+)$/.exec(word) ?? /^(\w+?)\s*-\s*(\w+)$/.exec(word);
  if (ends?.[1] !== undefined && ends[2] !== undefined) return range(word, ends[1], ends[2], table);
  return unknown(word, table);
}

function range(word: string, from: string, to: string, table: ResourceTable): Selection | string {
  const first = end(from, table);
  if (typeof first === 'string') return first;
  const last = end(to, table);
  if (typeof last === 'string') return last;
  if (first > last) {
    const between = word.includes('..') ? '..' : '-';
    return `the range ${quote(word)} runs backwards: write "${to}${between}${from}"`;
  }
  const ids = table.ids.filter((id) => id >= first && id <= last);
  return ids.length > 0 ? { ids, range: true } : `the range ${quote(word)} holds no ${table.kind}`;
}

/** One end of a range; a number without a name of its own is good enough here. */
function end(word: string, table: ResourceTable): number | string {
  const id = table.idOf(word);
  if (id !== undefined) return id;
  if (!/^\d+$/.test(word)) return unknown(word, table);
  const number = Number(word);
  return number <= table.maxId ? number : beyond(word, table);
}

function idOfNumber(word: string, table: ResourceTable): number | string {
  const id = Number(word);
  if (id > table.maxId) return beyond(word, table);
  if (table.nameOf(id) !== undefined) return id;
  const below = table.ids.findLast((known) => known < id);
  const above = table.ids.find((known) => known > id);
  const near = [below, above].filter((known) => known !== undefined);
  return `no ${table.kind} has the id ${id}; the next are ${near.map((known) => `${known} ${table.nameOf(known)}`).join(' and ')}`;
}

function beyond(word: string, table: ResourceTable): string {
  return `${table.kind} ${quote(word)} is out of range: ids end at ${table.maxId}`;
}

function unknown(word: string, table: ResourceTable): string {
  const near = nearest(word, table.names);
  const hint = near === undefined ? 'give a name, an id or a range such as 10-20' : `did you mean "${near}"?`;
  return `unknown ${table.kind} ${quote(word)}: ${hint}`;
}
