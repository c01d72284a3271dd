import type { ChipNames } from '../names.js';
import type { Unit } from '../units.js';
import type { Type } from './value.js';

/** A little-endian integer. */
export interface IntegerLayout {
  readonly form: 'integer';
  readonly size: 1 | 2 | 3 | 4 | 8;
  readonly signed: boolean;
  readonly unit?: Unit;
}

/** Where the names of a resource are: a table of the chip's, or the ABI's own list of MRQs. */
export type NameSource = Exclude<keyof ChipNames, 'chip'> | 'mrqs';

/**
 * What a value's bytes mean, as data. A `Type` has it beside the functions that read and write by it, so that whoever
 * reads the same bytes elsewhere (filters, the dissector) is made from the same description.
 */
export type Layout =
  | IntegerLayout
  /** 32 bits, IEEE 754. */
  | { readonly form: 'float' }
  /** An integer with names for some of its values. */
  | {
      readonly form: 'choice';
      readonly integer: IntegerLayout;
      readonly numbers: Readonly<Record<string, number>>;
    }
  /** An integer whose bits have names. */
  | {
      readonly form: 'flags';
      readonly integer: IntegerLayout;
      readonly bits: Readonly<Record<string, number>>;
    }
  /** A resource's number, with its names elsewhere. */
  | { readonly form: 'named'; readonly integer: IntegerLayout; readonly source: NameSource }
  /** A text in an array of its own size, which ends at its first NUL. */
  | { readonly form: 'text' }
  | { readonly form: 'record'; readonly fields: Readonly<Record<string, Type>> }
  | { readonly form: 'array'; readonly element: Type; readonly length: number }
  /** A union: the member is the one of the name that the field `by` of the same struct has, or else `others`. */
  | {
      readonly form: 'variant';
      readonly by: string;
      readonly members: Readonly<Record<string, Type>>;
      readonly others: Type;
    };
