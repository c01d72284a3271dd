import type { Type } from './value.js';

/** A list whose length another field counts. */
export interface ListItem {
  readonly item: 'list';
  readonly name: string;
  readonly element: Type;
  /** How its bytes are shown: a list of values, a text, or hexadecimal digits. */
  readonly as: 'values' | 'text' | 'hex';
  readonly max: number;
  readonly count: string;
  /** True where a message holds all `max` entries, whatever the count says. */
  readonly whole: boolean;
}

/** One piece of a struct, in the order of the header's. */
export type Item =
  | { readonly item: 'field'; readonly name: string; readonly type: Type }
  | { readonly item: 'skip'; readonly size: number }
  | { readonly item: 'count'; readonly name: string; readonly type: Type }
  | { readonly item: 'string'; readonly name: string; readonly max: number }
  | ListItem;

export function field(name: string, type: Type): Item {
  return { item: 'field', name, type };
}

/** Bytes without a meaning: not decoded, written as zeros. */
export function skip(size: number): Item {
  return { item: 'skip', size };
}

/** The number of entries in the list that names it; decoded only as the list's length. */
export function count(name: string, type: Type): Item {
  return { item: 'count', name, type };
}

export function list(
  name: string,
  element: Type,
  options: { max: number; count: string; whole?: boolean },
): Item {
  return { item: 'list', name, element, as: 'values', whole: false, ...options };
}

/** Counted bytes: file contents and console output as text, anything else as hexadecimal digits. */
export function data(
  name: string,
  as: 'text' | 'hex',
  options: { max: number; count: string; whole?: boolean },
): Item {
  return { item: 'list', name, element: byte, as, whole: false, ...options };
}

/** A text that ends with a NUL; `max` includes it. */
export function string(name: string, max: number): Item {
  return { item: 'string', name, max };
}

const byte: Type = {
  size: 1,
  kind: 'a byte',
  layout: { form: 'integer', size: 1, signed: false },
  read: (view, offset) => view.getUint8(offset),
  write: (view, offset, value) => view.setUint8(offset, Number(value)),
  parse: (word) => Number(word),
};
