import { nearest } from '../../nearest.js';
import { type Token, tokensOf } from './lexer.js';
import { mistake, quoted, type Span } from './mistake.js';
import { type Comparison, comparisons, reserved } from './operators.js';
import type { Expression, FieldName, Literal, Quantity, SetItem } from './syntax.js';

/** How deep parentheses and negations may be nested. */
export const MOST_DEPTH = 100;

/**
 * The expression of a text, by Wireshark's precedence: comparisons, then `not`, then `and`, then `or`. What its names and
 * values mean is not looked at. Undefined for an empty one. Throws GPUVM_FILTER.
 */
export function parseFilter(text: string): Expression | undefined {
  const parser = new Parser(text);
  return parser.isEmpty ? undefined : parser.whole();
}

/** Whether a word, where a value could stand as well, is a field's name. */
export function isFieldName(word: string): boolean {
  return /^bpmp(\.|$)/.test(word);
}

class Parser {
  readonly #text: string;
  readonly #tokens: readonly Token[];
  #next = 0;

  constructor(text: string) {
    this.#text = text;
    this.#tokens = tokensOf(text);
  }

  get isEmpty(): boolean {
    return this.#tokens.length === 1;
  }

  whole(): Expression {
    const expression = this.#or(0);
    const rest = this.#peek();
    if (rest.kind === 'end') return expression;
    if (rest.kind === 'sign' && rest.text === ')')
      throw this.#wrong(rest, 'this parenthesis was never opened');
    const meant = rest.kind === 'word' ? nearest(rest.text, ['and', 'or', ...comparisons.keys()]) : undefined;
    const hint =
      meant === undefined ? 'and, or, or an operator is missing before it' : `did you mean ${meant}?`;
    throw this.#wrong(rest, `${this.#name(rest)} is not expected here: ${hint}`);
  }

  #or(depth: number): Expression {
    return this.#chain('or', ['or', '||'], () => this.#and(depth));
  }

  #and(depth: number): Expression {
    return this.#chain('and', ['and', '&&'], () => this.#unary(depth));
  }

  #chain(kind: 'or' | 'and', ways: readonly string[], operand: () => Expression): Expression {
    const of = [operand()];
    while (this.#accept(...ways)) of.push(operand());
    return of.length === 1 ? of[0]! : { kind, of };
  }

  #unary(depth: number): Expression {
    const first = this.#peek();
    if (depth > MOST_DEPTH) throw this.#wrong(first, `this is nested more than ${MOST_DEPTH} deep`);
    if (this.#accept('not', '!')) return { kind: 'not', of: this.#unary(depth + 1) };
    if (!this.#accept('(')) return this.#test();
    const inner = this.#or(depth + 1);
    if (this.#accept(')')) return inner;
    if (this.#peek().kind === 'end') throw this.#wrong(first, 'this parenthesis is never closed');
    throw this.#wrong(
      this.#peek(),
      `${this.#name(this.#peek())} is not expected here: a parenthesis is open`,
    );
  }

  /** A field, alone or compared. */
  #test(): Expression {
    const asked = this.#quantity();
    const field = this.#field();
    const place = this.#peek();
    const isNot = place.text === 'not' && this.#tokens[this.#next + 1]?.text === 'in' && this.#accept('not');
    const sign = this.#peek();
    const comparison = sign.kind === 'string' ? undefined : comparisons.get(sign.text);
    if (comparison === undefined) {
      if (asked !== undefined) throw this.#wrong(sign, 'any and all need a comparison after the field');
      return { kind: 'exists', field };
    }
    this.#next++;
    const compared = this.#compared(field, { ...comparison, ...(asked && { quantity: asked }) }, sign);
    return isNot ? { kind: 'not', of: compared } : compared;
  }

  #quantity(): Quantity | undefined {
    const { kind, text } = this.#peek();
    if (kind !== 'word' || (text !== 'any' && text !== 'all')) return undefined;
    this.#next++;
    return text;
  }

  #field(): FieldName {
    const token = this.#peek();
    if (token.kind === 'word' && !reserved.has(token.text)) {
      this.#next++;
      return { kind: 'field', name: token.text, at: token.at, length: token.length };
    }
    if (token.kind === 'string')
      throw this.#wrong(token, 'a comparison begins with a field: the text stands on its right side');
    throw this.#wrong(
      token,
      token.kind === 'end' ? 'a field is missing' : `${this.#name(token)} stands where a field is to be`,
    );
  }

  #compared(field: FieldName, { operator, quantity }: Comparison, { at, length }: Token): Expression {
    const place = { at, length };
    if (operator === 'in') return { kind: 'in', field, quantity, items: this.#set(), place };
    const value = this.#value();
    return { kind: 'compare', field, operator, quantity, value, place };
  }

  #value(): FieldName | Literal {
    const token = this.#peek();
    if (token.kind === 'string' || (token.kind === 'word' && !reserved.has(token.text))) {
      this.#next++;
      const { kind, text, at, length } = token;
      return kind === 'word' && isFieldName(text)
        ? { kind: 'field', name: text, at, length }
        : { kind, text, at, length };
    }
    throw this.#wrong(
      token,
      token.kind === 'end' ? 'a value is missing' : `${this.#name(token)} stands where a value is to be`,
    );
  }

  #set(): readonly SetItem[] {
    const open = this.#peek();
    if (!this.#accept('{')) throw this.#wrong(open, 'a set stands in braces, such as {1, 2, 5..8}');
    const items: SetItem[] = [];
    do {
      const from = this.#element();
      items.push(this.#accept('..') ? { kind: 'range', from, to: this.#element() } : from);
    } while (this.#accept(','));
    if (this.#accept('}')) return items;
    const rest = this.#peek();
    if (rest.kind === 'end') throw this.#wrong(open, 'this set is never closed');
    throw this.#wrong(rest, `${this.#name(rest)} is not expected in a set: a comma or } is`);
  }

  #element(): Literal {
    const value = this.#value();
    if (value.kind !== 'field') return value;
    throw this.#wrong(value, 'a set has values, not fields');
  }

  #peek(): Token {
    return this.#tokens[this.#next]!;
  }

  #accept(...ways: readonly string[]): boolean {
    const { kind, text } = this.#peek();
    if ((kind !== 'sign' && kind !== 'word') || !ways.includes(text)) return false;
    this.#next++;
    return true;
  }

  #name(token: Token): string {
    return token.kind === 'end' ? 'the end' : quoted(this.#text.slice(token.at, token.at + token.length));
  }

  #wrong(place: Span, message: string): Error {
    return mistake(this.#text, place, message);
  }
}
