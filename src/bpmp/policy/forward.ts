import type { Place } from '../../errors.js';
import type { ChipNames } from '../wire/index.js';
import { quote } from './problems.js';
import type { Entry, Reader } from './reader.js';
import { resourceKinds, type SectionName } from './resource-kind.js';
import { select } from './selector.js';

/** One entry of `learn.forward`: which ids it names, and whether by name or by a range. */
export interface ForwardEntry {
  readonly written: string;
  readonly ids: readonly number[];
  /** A range or `*`: it reaches only what lines of the policy give to the VM alone. */
  readonly range: boolean;
  readonly place: Place;
}

/** What `learn: { forward: … }` names: changes of it are carried out while the policy learns. */
export type Forward = Readonly<Record<SectionName, readonly ForwardEntry[]>>;

const EVERYTHING = '*';

/** The `learn:` section; undefined where it names nothing. */
export function readForward(
  section: Entry | undefined,
  chip: ChipNames,
  reader: Reader,
): Forward | undefined {
  if (section === undefined || reader.plain(section.value) === null) return undefined;
  const forward = reader.fields(section.value, '"learn"', section.place, ['forward']).get('forward');
  if (forward === undefined || reader.plain(forward.value) === null) return undefined;
  const known = resourceKinds.map((kind) => kind.section);
  const fields = reader.fields(forward.value, '"forward"', forward.place, known);
  const [clocks, resets, powerDomains] = resourceKinds.map((kind) => {
    const entry = fields.get(kind.section);
    return entry === undefined ? [] : readEntries(entry, kind.table(chip), reader);
  });
  return { clocks: clocks!, resets: resets!, powerDomains: powerDomains! };
}

function readEntries(entry: Entry, table: ChipNames['clocks'], reader: Reader): ForwardEntry[] {
  const items = reader.items(entry.value);
  if (items === undefined) {
    reader.problems.mistake(
      `"${entry.key}" takes a list of names such as [${table.nameOf(table.ids.at(-1)!)}]`,
      entry.place,
    );
    return [];
  }
  const entries: ForwardEntry[] = [];
  for (const item of items) {
    const value = reader.plain(item);
    const place = reader.place(item);
    if (typeof value !== 'string' && typeof value !== 'number') {
      reader.problems.mistake(`a ${table.kind} is given by its name, its id or a range`, place);
      continue;
    }
    const written = String(value);
    const selection =
      written.trim() === EVERYTHING ? { ids: table.ids, range: true } : select(written, table);
    if (typeof selection === 'string') {
      reader.problems.mistake(selection, place);
      continue;
    }
    const again = entries.find(
      (other) => !other.range && !selection.range && other.ids[0] === selection.ids[0],
    );
    if (again !== undefined)
      reader.problems.warn(`${quote(written)} is named already at line ${again.place.line}`, place);
    else entries.push({ written, ids: selection.ids, range: selection.range, place });
  }
  return entries;
}

/**
 * The ids whose changes are carried out while the policy learns. A name reaches whatever it names, be it the host's too:
 * somebody wrote it down. A range or `*` reaches only what lines give to the VM alone, because nobody has looked at each.
 */
export function forwardedIds(
  entries: readonly ForwardEntry[],
  isOwn: (id: number) => boolean,
): ReadonlySet<number> {
  return new Set(entries.flatMap(({ ids, range }) => (range ? ids.filter(isOwn) : ids)));
}
