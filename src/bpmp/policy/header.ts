import type { Rule } from './decision.js';
import type { Limit, Mode, View } from './model.js';
import { quote } from './problems.js';
import type { Entry, Reader } from './reader.js';
import type { SharedAnswer } from './rights.js';

export const DEFAULT_LIMIT: Limit = { perSecond: 2_000, burst: 4_000, exceeded: 'delay' };
const MAX_LIMIT = 1_000_000_000;

export const HEADER_KEYS = ['version', 'chip', 'view', 'mode', 'shared', 'limit'] as const;

export interface Header {
  readonly view: View;
  readonly viewRule: Rule | undefined;
  readonly mode: Mode;
  readonly shared: SharedAnswer;
  readonly limit: Limit | undefined;
}

type Fields = ReadonlyMap<string, Entry>;

/** The keys that are about the whole policy. */
export function readHeader(fields: Fields, reader: Reader): Header {
  readVersion(fields.get('version'), reader);
  const word = <Word extends string>(key: string, words: readonly [Word, ...Word[]]): Word => {
    const entry = fields.get(key);
    return (entry && reader.word(entry, words)) ?? words[0];
  };
  const view = word('view', ['filtered', 'full']);
  const place = fields.get('view')?.place;
  return {
    view,
    viewRule: place && { text: `${place.file}:${place.line} view: ${view}`, place },
    mode: word('mode', ['enforce', 'audit', 'learn']),
    shared: word('shared', ['absorb', 'deny']),
    limit: readLimit(fields.get('limit'), reader),
  };
}

function readVersion(entry: Entry | undefined, reader: Reader): void {
  if (entry === undefined) {
    reader.problems.mistake('the version is missing: add "version: 1"', {
      file: reader.file,
      line: 1,
      column: 1,
    });
    return;
  }
  const version = reader.plain(entry.value);
  if (version === 1) return;
  const given = typeof version === 'object' || version === undefined ? 'that' : quote(version);
  reader.problems.mistake(`the version cannot be ${given}: this gpuvm reads "version: 1"`, entry.place);
}

function readLimit(entry: Entry | undefined, reader: Reader): Limit | undefined {
  if (entry === undefined) return DEFAULT_LIMIT;
  if (!reader.isMapping(entry.value)) {
    if (reader.plain(entry.value) === 'none') return undefined;
    reader.problems.mistake(
      '"limit" must be "none" or a mapping such as {perSecond: 2000, burst: 4000}',
      entry.place,
    );
    return DEFAULT_LIMIT;
  }
  const fields = reader.fields(entry.value, '"limit"', entry.place, ['perSecond', 'burst', 'exceeded']);
  const count = (key: 'perSecond' | 'burst'): number => {
    const field = fields.get(key);
    return (field && reader.count(field, 1, MAX_LIMIT)) ?? DEFAULT_LIMIT[key];
  };
  const exceeded = fields.get('exceeded');
  return {
    perSecond: count('perSecond'),
    burst: count('burst'),
    exceeded: (exceeded && reader.word(exceeded, ['delay', 'deny'])) ?? DEFAULT_LIMIT.exceeded,
  };
}
