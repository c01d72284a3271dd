import type { Item, Layout } from '../wire/index.js';
import type { Field } from './field.js';

/** An integer and whatever else it is said as. */
export interface NumberNode {
  readonly node: 'number';
  readonly layout: Extract<Layout, { form: 'integer' | 'choice' | 'flags' | 'named' }>;
  readonly field: Field;
  /** Its name, where it has one. */
  readonly name: { readonly field: Field; nameOf(number: number): string | undefined } | undefined;
  /** Each of its bits that has a name. */
  readonly bits: readonly { readonly field: Field; readonly bit: number }[];
}

export interface VariantNode {
  readonly node: 'variant';
  /** Where in the struct the number is that selects the member, and its bytes. */
  readonly offset: number;
  readonly size: number;
  readonly members: ReadonlyMap<number, Node>;
  readonly others: Node;
}

/** How a value's bytes become values of fields. */
export type Node =
  | NumberNode
  | { readonly node: 'float'; readonly field: Field }
  | { readonly node: 'text'; readonly field: Field; readonly size: number }
  | {
      readonly node: 'record';
      readonly parts: readonly { readonly name: string; readonly offset: number; readonly node: Node }[];
    }
  | { readonly node: 'array'; readonly element: Node; readonly size: number; readonly length: number }
  | VariantNode;

export interface ListStep {
  readonly step: 'list';
  readonly item: Extract<Item, { item: 'list' }>;
  readonly offset: number;
  readonly count: { readonly field: Field; readonly offset: number; readonly size: number };
  /** Its entries, or the one field that all of its bytes are. */
  readonly content: { readonly node: Node } | { readonly field: Field };
}

/** One piece of a struct, in the order of its bytes. */
export type Step =
  | {
      readonly step: 'value';
      readonly item: Extract<Item, { item: 'field' }>;
      readonly offset: number;
      readonly node: Node;
    }
  | {
      readonly step: 'string';
      readonly item: Extract<Item, { item: 'string' }>;
      readonly offset: number;
      readonly field: Field;
    }
  | ListStep;

/** How a struct's bytes become values of fields: what `Struct.read` does, made from the same tables. */
export type Plan = readonly Step[];
