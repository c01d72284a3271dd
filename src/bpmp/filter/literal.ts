import { nearest } from '../../nearest.js';
import { type Field, type FieldValue, fieldByName } from '../fields/index.js';
import { parseQuantity } from '../wire/index.js';
import { mistake, quoted } from './mistake.js';
import type { Literal } from './syntax.js';

const isOctal = /^-?0[0-9]/;

/**
 * What a value that was written means to a field; `known` where it is one of the field's own names or none. Throws GPUVM_FILTER
 * where it means nothing to it.
 */
export function meaningOf(literal: Literal, field: Field, text: string, texts: 'known' | 'any'): FieldValue {
  const wrong = (message: string) => mistake(text, literal, message);
  switch (field.type) {
    case 'string':
      return texts === 'known' ? knownText(literal, field, wrong) : literal.text;
    case 'bytes':
      return bytesOf(literal, wrong);
    case 'bool': {
      const known = literal.kind === 'word' ? truths.get(literal.text.toLowerCase()) : undefined;
      if (known !== undefined) return known;
      throw wrong(`${field.name} is true or false, not ${quoted(literal.text)}`);
    }
    case 'time':
      return spanOf(literal, field, wrong);
    case 'float': {
      const number = isNumber(literal) ? Number(literal.text) : Number.NaN;
      if (Number.isFinite(number)) return number;
      throw wrong(`${field.name} takes a number, not ${quoted(literal.text)}`);
    }
    case 'uint':
    case 'int':
      return integerOf(literal, field, wrong);
  }
}

type Wrong = (message: string) => Error;

const truths = new Map([
  ['true', true],
  ['1', true],
  ['false', false],
  ['0', false],
]);

function isNumber({ kind, text }: Literal): boolean {
  return kind === 'word' && /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(text);
}

function knownText({ text }: Literal, { name, numbers }: Field, wrong: Wrong): string {
  const closed = closedLists[name] ?? (numbers && Object.keys(numbers));
  if (closed === undefined || closed.includes(text)) return text;
  throw wrong(`${name} is never ${quoted(text)}: ${hintFor(text, closed)}`);
}

/** Fields whose values are few, and not the names of numbers. */
const closedLists: Readonly<Record<string, readonly string[]>> = {
  'bpmp.verdict': ['allow', 'deny', 'absorb', 'malformed'],
  'bpmp.status': ['ok', 'unknown', 'malformed'],
  'bpmp.reply.status': ['ok', 'unknown', 'malformed'],
};

function hintFor(word: string, known: readonly string[]): string {
  const meant = nearest(word, known);
  if (meant !== undefined) return `did you mean ${meant}?`;
  return `it can be ${known.slice(0, 8).join(', ')}${known.length > 8 ? ', …' : ''}`;
}

/** Bytes by pairs of digits, with colons, hyphens or points between them; or the bytes of a text. */
export function bytesOf({ kind, text }: Literal, wrong: Wrong): Uint8Array {
  if (kind === 'string') return new TextEncoder().encode(text);
  const digits = text.replace(/[:.-]/g, '');
  if (/^[0-9a-f]{2}(([:.-])[0-9a-f]{2}(\2[0-9a-f]{2})*)?:?$/i.test(text) || /^0x([0-9a-f]{2})+$/i.test(text))
    return Uint8Array.from(Buffer.from(digits.replace(/^0x/i, ''), 'hex'));
  throw wrong(`bytes are written 30:01:00, or as a text in quotes, not ${quoted(text)}`);
}

/** In ns; a number without a unit is seconds, as Wireshark has it. */
function spanOf(literal: Literal, { name }: Field, wrong: Wrong): number {
  const found = literal.kind === 'word' ? /^([+-]?[\d.]+)(ns|us|µs|μs|ms|s)?$/.exec(literal.text) : null;
  const number = found === null ? Number.NaN : Number(found[1]);
  if (found !== null && Number.isFinite(number)) return Math.round(number * spanUnits[found[2] ?? 's']!);
  throw wrong(
    `${name} takes a span of time such as 5ms, or seconds such as 0.005, not ${quoted(literal.text)}`,
  );
}

const spanUnits: Readonly<Record<string, number>> = { ns: 1, us: 1e3, µs: 1e3, μs: 1e3, ms: 1e6, s: 1e9 };

function integerOf({ kind, text: word }: Literal, field: Field, wrong: Wrong): FieldValue {
  const names = field.numbers ?? fieldByName(`${field.name}.name`)?.numbers;
  if (names !== undefined && Object.hasOwn(names, word)) return whole(names[word]!, field, wrong);
  const examples = field.unit === undefined ? '' : ` such as 5${field.unit === 'milliC' ? '°C' : field.unit}`;
  const needed = names ? `takes a number or one of its names` : `takes a whole number${examples}`;
  if (kind === 'string' || !/^[+-]?[\d.]/.test(word))
    throw wrong(
      `${field.name} ${needed}, not ${quoted(word)}${names ? `: ${hintFor(word, Object.keys(names))}` : ''}`,
    );
  if (isOctal.test(word) && !/^-?0[xb]/i.test(word))
    throw wrong(
      `a number that begins with 0 would be octal to Wireshark: write ${quoted(word)} without it, or as 0x…`,
    );
  const written = /^[+-]?0b[01]+$/i.test(word) ? binary(word) : parseQuantity(plain(word), field.unit);
  if (written === undefined) throw wrong(`${field.name} ${needed}, not ${quoted(word)}`);
  return whole(written, field, wrong);
}

function plain(word: string): string {
  return word.replace(/^\+/, '').replace(/[µμ]s$/, 'us');
}

function binary(word: string): bigint {
  const digits = BigInt(word.replace(/^[+-]/, ''));
  return word.startsWith('-') ? -digits : digits;
}

function whole(value: number | bigint, { name, type, wide }: Field, wrong: Wrong): number | bigint {
  if (type === 'uint' && value < 0) throw wrong(`${name} is never below 0`);
  const bits = wide ? 64n : name === 'bpmp.sequence' || name === 'bpmp.latency' ? 64n : 32n;
  const most = (type === 'uint' ? 1n << bits : 1n << (bits - 1n)) - 1n;
  const least = type === 'uint' ? 0n : -most - 1n;
  if (BigInt(value) > most || BigInt(value) < least)
    throw wrong(`${name} is never beyond ${BigInt(value) < 0 ? least : most}`);
  return wide ? BigInt(value) : Number(value);
}
