import { createContext, Script } from 'node:vm';
import type { FieldValue } from '../fields/index.js';
import { mistake, quoted } from './mistake.js';
import type { Literal } from './syntax.js';

const MOST_CHARACTERS = 1000;
/** Steps that a search may take at most where nothing watches it: some ten milliseconds. */
const UNWATCHED_STEPS = 1e6;
/** What a search that could take for ever may take. */
const DEADLINE_MS = 500;
/** Answers of watched searches that are kept: rules and requests come again and again. */
const KEPT = 4096;

/**
 * A search by a regular expression, without regard to case unless it begins with (?-i). It is JavaScript's, so Perl's but
 * for rarities. One that can take exponential time is stopped at a deadline: GPUVM_FILTER.
 */
export function matcher(literal: Literal, text: string): (value: FieldValue) => boolean {
  const wrong = (message: string) => mistake(text, literal, message);
  if (literal.kind !== 'string')
    throw wrong('matches takes a regular expression in quotes, best a raw one: r"CLK \\w+"');
  if (literal.text.length > MOST_CHARACTERS)
    throw wrong(`a regular expression has at most ${MOST_CHARACTERS} characters`);
  const search = compile(literal.text, wrong);
  const growth = growthOf(search.source);
  const watched = new Watched(search, wrong);
  return (value) => {
    const subject = typeof value === 'string' ? value : latin1(value as Uint8Array);
    if (subject.length ** growth <= UNWATCHED_STEPS) return search.test(subject);
    return watched.test(subject);
  };
}

function compile(source: string, wrong: (message: string) => Error): RegExp {
  const [, flag, rest] = /^(?:\(\?(-?i)\))?([\s\S]*)$/.exec(source)!;
  // With `u` what is no escape is a mistake; but Perl's lets any sign be escaped.
  const signs = rest!.replace(/\\([\s\S])/g, (both, sign: string) =>
    sign === '-' ? '\\x2d' : /[!"#%&',:;<=>@_`~ ]/.test(sign) ? sign : both,
  );
  try {
    return new RegExp(signs, flag === '-i' ? 'u' : 'iu');
  } catch (error) {
    const why = (error as Error).message.replace(/^.*\/[a-z]*: /s, '');
    throw wrong(`${quoted(source)} is no regular expression: ${why}`);
  }
}

/** The power of a subject's length that a search may take; without end where repetitions or choices are repeated. */
function growthOf(source: string): number {
  const bare = source.replace(/\\[\s\S]/g, 'x').replace(/\[[^\]]*\]/g, 'x');
  if (/\)[*+{]/.test(bare) || /\\[1-9k]/.test(source)) return Number.POSITIVE_INFINITY;
  return 1 + (bare.match(/[*+{]|[^(]\?/g)?.length ?? 0);
}

function latin1(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1');
}

/** A search under a deadline, which the engine keeps to in a script's context alone. */
class Watched {
  readonly #search: RegExp;
  readonly #wrong: (message: string) => Error;
  readonly #kept = new Map<string, boolean>();
  #place: { readonly script: Script; readonly context: Record<string, unknown> } | undefined;

  constructor(search: RegExp, wrong: (message: string) => Error) {
    this.#search = search;
    this.#wrong = wrong;
  }

  test(subject: string): boolean {
    const known = this.#kept.get(subject);
    if (known !== undefined) return known;
    const answer = this.#run(subject);
    if (this.#kept.size >= KEPT) this.#kept.clear();
    this.#kept.set(subject, answer);
    return answer;
  }

  #run(subject: string): boolean {
    this.#place ??= {
      script: new Script('search.test(subject)'),
      context: createContext({ search: this.#search, subject: '' }) as Record<string, unknown>,
    };
    const { script, context } = this.#place;
    context.subject = subject;
    try {
      return script.runInContext(context, { timeout: DEADLINE_MS }) === true;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ERR_SCRIPT_EXECUTION_TIMEOUT') throw error;
      throw this.#wrong(
        `this takes longer than ${DEADLINE_MS} ms on a text of ${subject.length} characters: repeat no repetition, as (a+)+ does`,
      );
    }
  }
}
