import { isMap, isScalar, LineCounter, type Node, type ParsedNode, parseDocument } from 'yaml';
import type { Place } from '../errors.js';
import { yamlMistakes } from './yaml-mistakes.js';

/** One thing wrong in a file, at its place; the message does not repeat the place. */
export interface Mistake {
  readonly message: string;
  readonly place: Place;
}

export type KeyPath = readonly PropertyKey[];

/** A YAML text that knows where each of its values stands. */
export class YamlDocument {
  readonly #file: string;
  readonly #text: string;
  readonly #lines = new LineCounter();
  readonly #document: ReturnType<typeof parseDocument<ParsedNode>>;

  constructor(text: string, file: string) {
    this.#file = file;
    this.#text = text;
    this.#document = parseDocument(text, { lineCounter: this.#lines, prettyErrors: false, stringKeys: true });
  }

  /** What is wrong with it as YAML; with any of these, `value` is not to be trusted. */
  get mistakes(): Mistake[] {
    return yamlMistakes(this.#document, this.#text).map(({ message, offset }) => ({
      message,
      place: this.#at(offset),
    }));
  }

  /** The plain value. Throws where aliases would make it grow out of proportion. */
  get value(): unknown {
    return this.#document.toJS({ maxAliasCount: 100 });
  }

  /** Where the value at `path` stands; where there is none, the nearest thing around it. */
  placeOf(path: KeyPath): Place {
    for (let length = path.length; length > 0; length--) {
      const node = this.#document.getIn(path.slice(0, length), true) as Node | undefined;
      if (node?.range) return this.#at(node.range[0]);
    }
    return this.#at(this.#document.contents?.range?.[0] ?? 0);
  }

  /** The text of the scalar at `path`, as it stands in the file. */
  sourceOf(path: KeyPath): string | undefined {
    const node = this.#document.getIn(path, true);
    return isScalar(node) ? node.source : undefined;
  }

  /** Where the key at the end of `path` stands. */
  placeOfKey(path: KeyPath): Place {
    const parent = path.length > 1 ? this.#document.getIn(path.slice(0, -1), true) : this.#document.contents;
    if (isMap(parent)) {
      for (const { key } of parent.items) {
        if (isScalar(key) && key.value === path.at(-1) && key.range) return this.#at(key.range[0]);
      }
    }
    return this.placeOf(path);
  }

  #at(offset: number): Place {
    const { line, col } = this.#lines.linePos(offset);
    return { file: this.#file, line: Math.max(line, 1), column: Math.max(col, 1) };
  }
}
