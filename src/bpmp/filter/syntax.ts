import type { Span } from './mistake.js';

/** What a comparison does; how it goes over several values is said beside it. */
export type Operator = '==' | '!=' | '>' | '>=' | '<' | '<=' | 'contains' | 'matches' | 'in';

/** Of a field's several values: one is enough, or it must hold of each. */
export type Quantity = 'any' | 'all';

export interface FieldName extends Span {
  readonly kind: 'field';
  readonly name: string;
}

/** As it was written: what it means follows from the field's type. */
export interface Literal extends Span {
  readonly kind: 'word' | 'string';
  /** Of a string, what its escapes stand for. */
  readonly text: string;
}

export interface Range {
  readonly kind: 'range';
  readonly from: Literal;
  readonly to: Literal;
}

export type SetItem = Literal | Range;

export type Expression =
  | { readonly kind: 'or' | 'and'; readonly of: readonly Expression[] }
  | { readonly kind: 'not'; readonly of: Expression }
  | { readonly kind: 'exists'; readonly field: FieldName }
  | {
      readonly kind: 'compare';
      readonly field: FieldName;
      readonly operator: Exclude<Operator, 'in'>;
      readonly quantity: Quantity;
      readonly value: FieldName | Literal;
      /** The operator's own place. */
      readonly place: Span;
    }
  | {
      readonly kind: 'in';
      readonly field: FieldName;
      readonly quantity: Quantity;
      readonly items: readonly SetItem[];
      readonly place: Span;
    };
