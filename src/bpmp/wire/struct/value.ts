import type { ChipNames } from '../names.js';
import type { Layout } from './layout.js';

/** A decoded value as JSON holds it; a 64-bit integer that a number cannot hold exactly is a decimal string. */
export type Value = number | string | readonly Value[] | Values;
export type Values = { readonly [field: string]: Value };

/** A resource by number, and by name where the chip has one. */
export type Named = { readonly id: number; readonly name?: string };

/** What reading and writing a field may need besides its bytes. */
export interface Context {
  readonly names: ChipNames | undefined;
  /** The values of the struct that the field is in, as far as they are read; all of them when writing. */
  readonly parent: Readonly<Record<string, unknown>>;
}

/** One value's layout: how it is read, written and typed in by people. */
export interface Type {
  /** Bytes that it takes. */
  readonly size: number;
  /** What the value is called in an error: "a number from 0 to 255". */
  readonly kind: string;
  /** What the bytes mean, for those who read them without this type's functions. */
  readonly layout: Layout;
  /** The kind of resource that the value names, if it names one. */
  readonly resource?: string;
  /** Never throws; the caller made sure of `size` bytes. */
  read(view: DataView, offset: number, context: Context): Value;
  /** Throws a RangeError that says what the value should be. */
  write(view: DataView, offset: number, value: unknown, context: Context): void;
  /** A word of a command line as a value for `write`; undefined where it cannot be one. */
  parse(word: string, context: Context): unknown;
  /** For people; undefined where the value says nothing without its field's name. */
  show?(value: Value): string | undefined;
}
