import {
  type Alias,
  type Document,
  isAlias,
  isMap,
  isScalar,
  isSeq,
  LineCounter,
  type Node,
  parseDocument,
  visit,
  type YAMLMap,
} from 'yaml';
import type { Place } from '../../errors.js';
import { nearest } from '../../nearest.js';
import { listed, type Problems, quote } from './problems.js';

/** One `key: value` of a mapping. */
export interface Entry {
  readonly key: string;
  readonly place: Place;
  /** Undefined where nothing stands behind the colon. */
  readonly value: Node | undefined;
}

/** A policy is written by hand; what is larger is something else. */
export const MAX_POLICY_BYTES = 1 << 20;
/** As many as the yaml package itself takes before it speaks of a resource exhaustion attack. */
const MAX_ALIASES = 100;
/** Enough for a line for every resource of a chip, several times over. */
const MAX_ENTRIES = 4096;
/** Nested deeper than any policy, and far less than what costs the parser its stack. */
const MAX_NESTING = 64;

/** Reads the nodes of one YAML file with their places; what does not fit goes to `problems`. */
export class Reader {
  readonly file: string;
  readonly problems: Problems;
  readonly #lines = new LineCounter();
  #document: Document | undefined;

  constructor(file: string, problems: Problems) {
    this.file = file;
    this.problems = problems;
  }

  /** The file's top mapping; undefined, with the mistake noted, where it has none. */
  open(text: string): YAMLMap | undefined {
    const start = { file: this.file, line: 1, column: 1 };
    if (Buffer.byteLength(text) > MAX_POLICY_BYTES) {
      this.problems.mistake(`the policy is larger than ${MAX_POLICY_BYTES} bytes`, start);
      return undefined;
    }
    const document = this.#parse(text);
    if (document === undefined) {
      this.problems.mistake('the YAML is nested too deep for a policy', start);
      return undefined;
    }
    const [error] = document.errors;
    if (error !== undefined) {
      this.problems.mistake(`not valid YAML: ${oneLine(error.message)}`, this.#at(error.pos[0]));
      return undefined;
    }
    const aliases = aliasesOf(document);
    if (aliases.length > MAX_ALIASES) {
      this.problems.mistake(`more than ${MAX_ALIASES} YAML aliases`, start);
      return undefined;
    }
    const dangling = aliases.find((alias) => alias.resolve(document) === undefined);
    if (dangling !== undefined) {
      const message = `not valid YAML: the alias ${quote(dangling.source)} has no anchor before it`;
      this.problems.mistake(message, this.place(dangling));
      return undefined;
    }
    this.#document = document;
    if (document.contents === null || (isScalar(document.contents) && document.contents.value === null)) {
      this.problems.mistake('the policy is empty: it starts with "version: 1"', start);
      return undefined;
    }
    const top = this.#resolve(document.contents);
    if (isMap(top)) return top as YAMLMap;
    this.problems.mistake('a policy is a mapping: "version: 1", "clocks:" and so on', start);
    return undefined;
  }

  #parse(text: string): Document | undefined {
    if (nestsTooDeep(text)) return undefined;
    try {
      // Duplicate keys are looked for later, because two spellings of one clock are as much a duplicate.
      return parseDocument(text, { lineCounter: this.#lines, uniqueKeys: false, prettyErrors: false });
    } catch (error) {
      if (error instanceof RangeError) return undefined;
      throw error;
    }
  }

  place(node: Node | undefined): Place {
    return this.#at(node?.range?.[0] ?? 0);
  }

  /** The entries of a mapping, in order; undefined, with the mistake noted, where `node` is something else. */
  entries(node: Node | undefined, what: string, place: Place): Entry[] | undefined {
    const map = this.#resolve(node);
    if (!isMap(map)) {
      this.problems.mistake(`${what} must be a mapping, not ${kindOf(map)}`, place);
      return undefined;
    }
    if (map.items.length > MAX_ENTRIES) {
      this.problems.mistake(`${what} has more than ${MAX_ENTRIES} entries`, place);
      return undefined;
    }
    const entries: Entry[] = [];
    for (const pair of map.items) {
      const keyNode = this.#resolve(pair.key as Node | undefined);
      const keyPlace = this.place(pair.key as Node | undefined);
      if (!isScalar(keyNode) || keyNode.value === null || typeof keyNode.value === 'object') {
        this.problems.mistake(`a key of ${what} must be a name or a number`, keyPlace);
        continue;
      }
      entries.push({
        key: String(keyNode.value),
        place: keyPlace,
        value: (pair.value as Node | null) ?? undefined,
      });
    }
    return entries;
  }

  /** Like `entries` for a mapping with fixed keys: unknown keys and keys given twice are mistakes. */
  fields(node: Node | undefined, what: string, place: Place, known: readonly string[]): Map<string, Entry> {
    const fields = new Map<string, Entry>();
    for (const entry of this.entries(node, what, place) ?? []) {
      if (!known.includes(entry.key)) {
        const near = nearest(entry.key, known);
        const hint = near === undefined ? `known are ${listed(known)}` : `did you mean "${near}"?`;
        this.problems.mistake(`unknown key ${quote(entry.key)} in ${what}: ${hint}`, entry.place);
      } else if (fields.has(entry.key)) {
        const line = fields.get(entry.key)?.place.line;
        this.problems.mistake(`"${entry.key}" is given twice, first at line ${line}: keep one`, entry.place);
      } else {
        fields.set(entry.key, entry);
      }
    }
    return fields;
  }

  /** A plain value: string, number, boolean; null where there is none; undefined where `node` is a collection. */
  plain(node: Node | undefined): string | number | boolean | null | undefined {
    const resolved = this.#resolve(node);
    if (resolved === undefined) return null;
    if (!isScalar(resolved)) return undefined;
    const { value } = resolved;
    if (typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean') return value;
    if (typeof value === 'bigint') return Number(value);
    return value === null ? null : undefined;
  }

  isMapping(node: Node | undefined): boolean {
    return isMap(this.#resolve(node));
  }

  /** The items of a list; undefined where `node` is something else. */
  items(node: Node | undefined): Node[] | undefined {
    const list = this.#resolve(node);
    return isSeq(list) ? (list.items.slice(0, MAX_ENTRIES) as Node[]) : undefined;
  }

  /** One word out of a few; undefined, with the mistake noted, where it is none of them. */
  word<Word extends string>(entry: Entry, words: readonly Word[]): Word | undefined {
    const value = this.plain(entry.value);
    const found = words.find((word) => word === value);
    if (found !== undefined) return found;
    const near = typeof value === 'string' ? nearest(value, words) : undefined;
    const hint = near === undefined ? `write ${listed(words)}` : `did you mean "${near}"?`;
    const given =
      value === undefined ? kindOf(this.#resolve(entry.value)) : value === null ? 'nothing' : quote(value);
    this.problems.mistake(`${quote(entry.key)} cannot be ${given}: ${hint}`, this.#of(entry));
    return undefined;
  }

  /** A whole number of at least `least`; undefined, with the mistake noted, where it is not. */
  count(entry: Entry, least: number, most: number): number | undefined {
    const value = this.plain(entry.value);
    if (typeof value === 'number' && Number.isInteger(value) && value >= least && value <= most) return value;
    this.problems.mistake(`"${entry.key}" must be a whole number from ${least} to ${most}`, this.#of(entry));
    return undefined;
  }

  /** Where an entry's value stands, or its key where it has none. */
  #of(entry: Entry): Place {
    return entry.value?.range ? this.place(entry.value) : entry.place;
  }

  #resolve(node: Node | null | undefined): Node | undefined {
    if (!isAlias(node)) return node ?? undefined;
    return this.#document === undefined ? undefined : (node.resolve(this.#document) as Node | undefined);
  }

  #at(offset: number): Place {
    const { line, col } = this.#lines.linePos(offset);
    return { file: this.file, line: Math.max(1, line), column: Math.max(1, col) };
  }
}

function kindOf(node: Node | undefined): string {
  if (isMap(node)) return 'a mapping';
  if (isSeq(node)) return 'a list';
  if (isScalar(node) && node.value !== null) return quote(node.value);
  return 'nothing';
}

function oneLine(message: string): string {
  return message.replace(/\s+/g, ' ').trim();
}

function aliasesOf(document: Document): Alias[] {
  const aliases: Alias[] = [];
  visit(document, {
    Alias(_, alias) {
      aliases.push(alias);
    },
  });
  return aliases;
}

/**
 * Nesting costs the parser stack, and indentation a regular expression of its width, which beyond a million columns
 * ends the process; so both are looked at first. Comments are left out, quoted brackets are not.
 */
function nestsTooDeep(text: string): boolean {
  if (/^[ \t?:!&-]{256}/m.test(text)) return true;
  let depth = 0;
  for (const char of text.replace(/(^|[ \t])#.*$/gm, '')) {
    if (char === '[' || char === '{') {
      if (++depth > MAX_NESTING) return true;
    } else if ((char === ']' || char === '}') && depth > 0) depth--;
  }
  return false;
}
