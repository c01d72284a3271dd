import { formatQuantity, parseQuantity, type Unit } from '../units.js';
import type { IntegerLayout } from './layout.js';
import type { Type, Value } from './value.js';

type IntegerName = 'u8' | 'u16' | 'u32' | 'i32' | 'u64' | 'i64';

interface Integer {
  readonly size: 1 | 2 | 4 | 8;
  readonly least: bigint;
  readonly most: bigint;
  get(view: DataView, offset: number): number | bigint;
  set(view: DataView, offset: number, value: bigint): void;
}

const integers: Record<IntegerName, Integer> = {
  u8: {
    size: 1,
    least: 0n,
    most: 0xffn,
    get: (view, offset) => view.getUint8(offset),
    set: (view, offset, value) => view.setUint8(offset, Number(value)),
  },
  u16: {
    size: 2,
    least: 0n,
    most: 0xffffn,
    get: (view, offset) => view.getUint16(offset, true),
    set: (view, offset, value) => view.setUint16(offset, Number(value), true),
  },
  u32: {
    size: 4,
    least: 0n,
    most: 0xffff_ffffn,
    get: (view, offset) => view.getUint32(offset, true),
    set: (view, offset, value) => view.setUint32(offset, Number(value), true),
  },
  i32: {
    size: 4,
    least: -0x8000_0000n,
    most: 0x7fff_ffffn,
    get: (view, offset) => view.getInt32(offset, true),
    set: (view, offset, value) => view.setInt32(offset, Number(value), true),
  },
  u64: {
    size: 8,
    least: 0n,
    most: 0xffff_ffff_ffff_ffffn,
    get: (view, offset) => view.getBigUint64(offset, true),
    set: (view, offset, value) => view.setBigUint64(offset, value, true),
  },
  i64: {
    size: 8,
    least: -0x8000_0000_0000_0000n,
    most: 0x7fff_ffff_ffff_ffffn,
    get: (view, offset) => view.getBigInt64(offset, true),
    set: (view, offset, value) => view.setBigInt64(offset, value, true),
  },
};

/** A whole number from a number, a bigint or a decimal string; undefined from anything else. */
export function toInteger(value: unknown): bigint | undefined {
  if (typeof value === 'bigint') return value;
  if (typeof value === 'number') return Number.isSafeInteger(value) ? BigInt(value) : undefined;
  if (typeof value === 'string' && /^-?(0[xX][0-9a-fA-F]{1,16}|[0-9]{1,20})$/.test(value)) {
    return value.startsWith('-') ? -BigInt(value.slice(1)) : BigInt(value);
  }
  return undefined;
}

/** A type that is an integer and nothing else. */
export type IntegerType = Type & { readonly layout: IntegerLayout };

/** A little-endian integer; with a unit, people may write and are shown `1.3 GHz`. */
export function integer(name: IntegerName, unit?: Unit): IntegerType {
  const { size, least, most, get, set } = integers[name];
  const kind = `a whole number from ${least} to ${most}${unit === 'Hz' ? ', or a rate such as 1.3GHz' : ''}`;
  return {
    size,
    kind,
    layout: { form: 'integer', size, signed: least < 0n, ...(unit && { unit }) },
    read(view, offset) {
      const raw = get(view, offset);
      const number = Number(raw);
      return Number.isSafeInteger(number) ? number : String(raw);
    },
    write(view, offset, value) {
      const whole = toInteger(value);
      if (whole === undefined || whole < least || whole > most) throw new RangeError(kind);
      set(view, offset, whole);
    },
    parse: (word) => parseQuantity(word, unit),
    show: (value) => {
      if (unit === undefined) return undefined;
      return typeof value === 'number' ? formatQuantity(value, unit) : `${String(value)} ${unit}`;
    },
  };
}

export const u8 = integer('u8');
export const u16 = integer('u16');
export const u32 = integer('u32');
export const i32 = integer('i32');
export const u64 = integer('u64');

/** A 32-bit float; what JSON has no number for is `NaN`, `Infinity` or `-Infinity` as a string. */
export const f32: Type = {
  size: 4,
  kind: 'a number',
  layout: { form: 'float' },
  read(view, offset) {
    const value = view.getFloat32(offset, true);
    // JSON has no minus zero either.
    if (Object.is(value, -0)) return '-0';
    return Number.isFinite(value) ? value : String(value);
  },
  write(view, offset, value) {
    const number = typeof value === 'number' || typeof value === 'string' ? Number(value) : undefined;
    if (number === undefined || (Number.isNaN(number) && value !== 'NaN')) throw new RangeError('a number');
    view.setFloat32(offset, number, true);
  },
  parse: (word) => (word !== '' && !Number.isNaN(Number(word)) ? Number(word) : undefined),
};

/** `base`'s bytes with a role: the value names a resource of that kind, by number alone. */
export function resource(kind: string, base: Type): Type {
  return { ...base, resource: kind };
}

/** One of a few named values: read as the name, and as the number where there is none for it. */
export function choice(base: IntegerType, numbers: Readonly<Record<string, number>>): Type {
  const names = new Map(Object.entries(numbers).map(([name, number]) => [number, name]));
  const byName = new Map(Object.entries(numbers));
  const kind = `one of ${Object.keys(numbers).join(', ')}, or ${base.kind}`;
  const numberOf = (value: unknown): unknown =>
    typeof value === 'string' ? (byName.get(value.toUpperCase().replaceAll('-', '_')) ?? value) : value;
  return {
    size: base.size,
    kind,
    layout: { form: 'choice', integer: base.layout, numbers },
    read(view, offset, context) {
      const value = base.read(view, offset, context);
      return typeof value === 'number' ? (names.get(value) ?? value) : value;
    },
    write(view, offset, value, context) {
      const number = numberOf(value);
      if (toInteger(number) === undefined) throw new RangeError(kind);
      base.write(view, offset, number, context);
    },
    parse(word, context) {
      const known = byName.get(word.toUpperCase().replaceAll('-', '_'));
      return known ?? base.parse(word, context);
    },
    show: (value) => (typeof value === 'string' ? value : undefined),
  };
}

/** A set of bits as the list of their names; bits without one are one hexadecimal entry at the end. */
export function flags(base: IntegerType, bits: Readonly<Record<string, number>>): Type {
  const kind = `a list of ${Object.keys(bits).join(', ')}`;
  const bitsOf = (entry: unknown): number | undefined => {
    if (typeof entry === 'string' && Object.hasOwn(bits, entry)) return bits[entry];
    const whole = toInteger(entry);
    return whole === undefined ? undefined : Number(whole);
  };
  return {
    size: base.size,
    kind,
    layout: { form: 'flags', integer: base.layout, bits },
    read(view, offset, context) {
      let rest = base.read(view, offset, context) as number;
      const list: Value[] = [];
      for (const [name, bit] of Object.entries(bits)) {
        if ((rest & bit) === 0) continue;
        list.push(name);
        rest = (rest & ~bit) >>> 0;
      }
      if (rest !== 0) list.push(`0x${rest.toString(16)}`);
      return list;
    },
    write(view, offset, value, context) {
      const entries = Array.isArray(value) ? value : [value];
      let sum = 0;
      for (const entry of entries) {
        const bit = bitsOf(entry);
        if (bit === undefined) throw new RangeError(kind);
        sum = (sum | bit) >>> 0;
      }
      base.write(view, offset, sum, context);
    },
    parse: (word) =>
      word
        .split(',')
        .map((entry) => entry.toUpperCase().replaceAll('-', '_'))
        .map(lowerHex),
    show: (value) => (Array.isArray(value) ? value.join('|') || '0' : undefined),
  };
}

function lowerHex(entry: string): string {
  return entry.startsWith('0X') ? entry.toLowerCase() : entry;
}
