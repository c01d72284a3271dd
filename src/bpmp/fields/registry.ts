import type { TransferRecord } from '../capture/index.js';
import { tegra234 } from '../tegra234/index.js';
import { type CommandInfo, Mrq, type NameSource, type Unit } from '../wire/index.js';
import type { Field, FieldType, FieldValue } from './field.js';
import { capital, resourcePrefix, snakeCase, unitText, words } from './naming.js';

export type Side = 'request' | 'reply';

/** Where in the tables a value is. */
export interface Place {
  readonly info: CommandInfo;
  readonly side: Side;
  /** The names that lead to it, as the tables have them. */
  readonly path: readonly string[];
  /** The kind of resource, where the value is what the request is about. */
  readonly resource: string | undefined;
}

/** What a field is, apart from its name. */
export interface Kind {
  readonly type: FieldType;
  readonly wide?: boolean;
  readonly unit?: Unit | undefined;
  readonly numbers?: Readonly<Record<string, number>> | undefined;
  readonly source?: NameSource | undefined;
  readonly bit?: number;
}

const mrqNames = new Map<number, string>(Object.entries(Mrq).map(([name, number]) => [number, name]));

/** Names by number, as the kind has them. */
export function namer({ numbers, source }: Kind): ((number: number) => string | undefined) | undefined {
  if (numbers !== undefined) {
    const names = new Map(Object.entries(numbers).map(([name, number]) => [number, name]));
    return (number) => names.get(number);
  }
  if (source === 'mrqs') return (number) => mrqNames.get(number);
  return source && ((number) => tegra234[source].nameOf(number));
}

/** A field of some commands; what it is said of grows as their tables are gone through. */
class CommandField implements Field {
  readonly titles: string[] = [];
  readonly mrqs: number[] = [];
  readonly type: FieldType;
  readonly wide: boolean;
  readonly unit: Unit | undefined;
  readonly numbers: Readonly<Record<string, number>> | undefined;

  constructor(
    readonly name: string,
    readonly label: string,
    readonly side: Side,
    kind: Kind,
    readonly what: string,
    readonly read: (record: TransferRecord, field: Field) => readonly FieldValue[],
  ) {
    this.type = kind.type;
    this.wide = kind.wide ?? false;
    this.unit = kind.unit;
    this.numbers = kind.numbers;
  }

  get meaning(): string {
    const unit = this.unit === undefined ? '' : `, in ${unitText(this.unit)}`;
    const whose = this.titles.length > 6 ? [...this.titles.slice(0, 5), '…'] : this.titles;
    return `${this.what}${unit}; ${this.side} of ${whose.join(', ')}`;
  }

  add({ title, mrq }: CommandInfo): void {
    if (!this.titles.includes(title)) this.titles.push(title);
    if (!this.mrqs.includes(mrq)) this.mrqs.push(mrq);
  }

  values(record: TransferRecord): readonly FieldValue[] {
    return this.mrqs.includes(record.mrq) ? this.read(record, this) : none;
  }
}

const none: readonly FieldValue[] = [];

type Readers = Readonly<Record<Side, (record: TransferRecord, field: Field) => readonly FieldValue[]>>;

/**
 * Gives each value of the tables its field. Commands of one MRQ share the fields of one name; where the same name is
 * of different kinds in them, each command has a field of its own.
 */
export class Registry {
  readonly fields = new Map<string, CommandField>();
  readonly #kinds = new Map<string, string>();
  readonly #clashes = new Set<string>();
  readonly #readers: Readers;

  constructor(readers: Readers, before?: Registry) {
    this.#readers = readers;
    if (before) this.#clashes = before.#clashes;
  }

  #name({ info, side, path, resource }: Place, kind: Kind): string {
    if (resource !== undefined && resource !== 'mrq') return `${resourcePrefix(resource)}.id`;
    const within = `${side === 'reply' ? 'reply.' : ''}${path.map(snakeCase).join('.')}`;
    const shared = `bpmp.${info.mrqName.toLowerCase()}.${within}`;
    const signature = JSON.stringify([
      kind.type,
      kind.wide ?? false,
      kind.unit,
      kind.numbers,
      kind.source,
      kind.bit,
    ]);
    const known = this.#kinds.get(shared);
    if (known === undefined) this.#kinds.set(shared, signature);
    else if (known !== signature) this.#clashes.add(shared);
    return this.#clashes.has(shared)
      ? `bpmp.${info.mrqName.toLowerCase()}.${info.name.toLowerCase()}.${within}`
      : shared;
  }

  field(place: Place, kind: Kind): Field {
    const name = this.#name(place, kind);
    const what = place.resource && place.resource !== 'mrq' ? place.resource : place.path.at(-1)!;
    return this.#put(name, capital(words(what)), words(what), place, kind);
  }

  /** The name of `of`'s number. */
  nameField(of: Field, place: Place, kind: Kind): Field {
    const name =
      of.name.endsWith('.id') && place.resource ? of.name.replace(/id$/, 'name') : `${of.name}.name`;
    const { numbers } = kind;
    return this.#put(name, `${of.label} name`, `name of the ${of.label.toLowerCase()}`, place, {
      type: 'string',
      numbers,
    });
  }

  #put(name: string, label: string, what: string, place: Place, kind: Kind): Field {
    const field =
      this.fields.get(name) ??
      new CommandField(name, label, place.side, kind, what, this.#readers[place.side]);
    field.add(place.info);
    this.fields.set(name, field);
    return field;
  }
}
