import { GpuvmError } from '../../../errors.js';
import { nearest } from '../../../nearest.js';
import { Mrq } from '../abi.js';
import type { ChipNames, ResourceTable } from '../names.js';
import type { NameSource } from './layout.js';
import { toInteger } from './scalars.js';
import type { Named, Type, Value } from './value.js';

/** The part of a resource table that naming needs. */
type Names = Pick<ResourceTable, 'kind' | 'nameOf' | 'idOf' | 'names'>;

/** The number of a name, or a GPUVM_REQUEST that offers the nearest one. */
function idOf(table: Names | undefined, what: string, name: string): number {
  if (!table) throw new GpuvmError('GPUVM_REQUEST', `${what} ${name} has no number: give it by number`);
  const id = table.idOf(name);
  if (id !== undefined) return id;
  const meant = nearest(name, table.names);
  const help = meant === undefined ? 'give its name or its number' : `did you mean ${meant}?`;
  throw new GpuvmError('GPUVM_REQUEST', `unknown ${table.kind} ${name.slice(0, 64)}: ${help}`, {
    details: { kind: table.kind, name: name.slice(0, 64), nearest: meant },
  });
}

function read24(view: DataView, offset: number): number {
  return view.getUint16(offset, true) | (view.getUint8(offset + 2) << 16);
}

function write24(view: DataView, offset: number, id: number): void {
  view.setUint16(offset, id & 0xffff, true);
  view.setUint8(offset + 2, id >>> 16);
}

/** A resource that has names: read as `{ id, name }`; written from that, from a number, or from a name. */
function named(resource: string, what: string, size: 2 | 3 | 4, source: NameSource): Type {
  const tableOf = (names: ChipNames | undefined): Names | undefined =>
    source === 'mrqs' ? mrqNames : names?.[source];
  const most = 2 ** (8 * size) - 1;
  const kind = `the name or number (0 to ${most}) of a ${what}`;
  return {
    size,
    kind,
    layout: { form: 'named', integer: { form: 'integer', size, signed: false }, source },
    resource,
    read(view, offset, { names }) {
      const id =
        size === 4
          ? view.getUint32(offset, true)
          : size === 3
            ? read24(view, offset)
            : view.getUint16(offset, true);
      const name = tableOf(names)?.nameOf(id);
      return (name === undefined ? { id } : { id, name }) as Value;
    },
    write(view, offset, value, { names }) {
      const given: Partial<Named> = typeof value === 'object' && value !== null ? value : {};
      const plain = given.id ?? given.name ?? value;
      const whole = toInteger(plain);
      const id =
        whole !== undefined
          ? Number(whole)
          : typeof plain === 'string'
            ? idOf(tableOf(names), what, plain)
            : -1;
      if (id < 0 || id > most) throw new RangeError(kind);
      if (size === 4) view.setUint32(offset, id, true);
      else if (size === 3) write24(view, offset, id);
      else view.setUint16(offset, id, true);
    },
    parse(word, { names }) {
      const whole = toInteger(word);
      return whole === undefined ? idOf(tableOf(names), what, word) : Number(whole);
    },
    show: showNamed,
  };
}

/** A named resource by its name, any other by its number. */
function showNamed(value: Value): string | undefined {
  const { id, name } = value as Named;
  return name ?? `#${id}`;
}

const mrqNumbers = new Map<number, string>(Object.entries(Mrq).map(([name, number]) => [number, name]));
const mrqNames: Names = {
  kind: 'MRQ',
  nameOf: (id) => mrqNumbers.get(id),
  idOf(name) {
    const wanted = name.toUpperCase().replaceAll('-', '_').replace(/^MRQ_/, '');
    return Object.hasOwn(Mrq, wanted) ? Mrq[wanted as keyof typeof Mrq] : undefined;
  },
  names: Object.keys(Mrq),
};

export const clock = named('clock', 'clock', 4, 'clocks');
/** A clock in the low 24 bits of `cmd_and_id`. */
export const clock24 = named('clock', 'clock', 3, 'clocks');
/** A clock in the 16 bits of an error descriptor. */
export const clock16 = named('clock', 'clock', 2, 'clocks');
export const reset = named('reset', 'reset', 4, 'resets');
export const powerDomain = named('powerDomain', 'power domain', 4, 'powerDomains');
export const mrq = named('mrq', 'MRQ', 4, 'mrqs');
