import {
  ensurePhandle,
  findLabel,
  labelsOf,
  phandlesOf,
  resolvePath,
  type Tree,
  type TreeNode,
} from '../../devicetree/index.js';
import { GpuvmError } from '../../errors.js';
import { nearest } from '../../nearest.js';
import { tableOfSpecifier } from '../../passthrough/index.js';

/** Where a value is for: names in it are those of the nodes that it refers to. */
export interface ValuePlace {
  readonly tree: Tree;
  readonly property: string;
}

/** What begins a value as source has it. Anything else is a string as it stands, which the shell took the quotes from. */
const SOURCE = /^\s*(<|"|\[|&|\/bits\/)/;
const NUMBER = /^(0x[0-9a-f]+|0[0-7]*|[1-9][0-9]*)[ul]*$/i;

/**
 * The bytes of a value as a command line has it: dtc's source, or bare text for a string. A node that `&label` or `&{/path}`
 * refers to is given a phandle where it has none. Throws GPUVM_USAGE where it is neither.
 */
export function valueFrom(words: readonly string[], place: ValuePlace): Uint8Array {
  const parts = words.map((word) => (SOURCE.test(word) ? new SourceReader(word, place).read() : bare(word)));
  return Uint8Array.from(Buffer.concat(parts));
}

function bare(word: string): Uint8Array {
  if (NUMBER.test(word.trim()))
    throw wrong(`is ${word} a cell, a string or a byte? Write '<${word}>', '"${word}"' or '[${word}]'`);
  return Buffer.from(`${word}\0`);
}

class SourceReader {
  readonly #text: string;
  readonly #place: ValuePlace;
  #at = 0;

  constructor(text: string, place: ValuePlace) {
    this.#text = text;
    this.#place = place;
  }

  read(): Uint8Array {
    const parts: Uint8Array[] = [];
    for (;;) {
      this.#skip();
      if (this.#at === this.#text.length) break;
      parts.push(this.#part());
      this.#skip();
      if (this.#at < this.#text.length) this.#take(/,/y, 'a comma');
    }
    return Buffer.concat(parts);
  }

  #part(): Uint8Array {
    const bits = this.#try(/\/bits\/\s*(8|16|32|64)\s*(?=<)/y);
    if (this.#try(/</y)) return this.#cells(Number(bits?.[1] ?? 32));
    if (this.#try(/\[/y)) return this.#bytes();
    if (this.#try(/"/y)) return this.#string();
    const [, label, path] = this.#take(
      /&(?:([A-Za-z_][\w]*)|\{([^}]*)\})/y,
      'a value: <…>, "…", […] or &label',
    );
    // Outside of brackets it is where the node is.
    return Buffer.from(`${this.#node(label, path).path}\0`);
  }

  #cells(bits: number): Uint8Array {
    const parts: Buffer[] = [];
    let provider: TreeNode | undefined;
    for (;;) {
      this.#skip();
      if (this.#try(/>/y)) return Buffer.concat(parts);
      const reference = this.#try(/&(?:([A-Za-z_][\w]*)|\{([^}]*)\})/y);
      if (reference) {
        if (bits !== 32) throw this.#error(`a reference has 32 bits, not ${bits}`);
        provider = this.#node(reference[1], reference[2]);
        parts.push(number(BigInt(ensurePhandle(this.#place.tree, provider)), bits));
        continue;
      }
      const [word] = this.#take(/[A-Za-z0-9_][\w-]*/y, 'a number, &label, or a name');
      const isNumber = NUMBER.test(word!);
      if (!isNumber && /^[0-9]/.test(word!)) throw this.#error(`${word} is no number`);
      const value = isNumber ? BigInt(plain(word!)) : BigInt(this.#named(word!, provider, parts));
      if (value >= 1n << BigInt(bits)) throw this.#error(`${word} is more than ${bits} bits hold`);
      parts.push(number(value, bits));
      if (isNumber && parts.length === 1 && bits === 32)
        provider = phandlesOf(this.#place.tree).get(Number(value));
    }
  }

  /** What a name stands for among the numbers of the node before it. */
  #named(name: string, provider: TreeNode | undefined, before: readonly Uint8Array[]): number {
    const { property } = this.#place;
    if (provider === undefined)
      throw this.#error(
        before.length === 0
          ? `the name ${name} needs the node before it that it is a number of, such as <&bpmp ${name}>`
          : `what comes before the name ${name} is no node that has names`,
      );
    const table = tableOfSpecifier(provider, property);
    if (table === undefined)
      throw this.#error(
        `the numbers of ${provider.path} have no names in ${property}: give the number for ${name}`,
      );
    const id = table.idOf(name);
    if (id !== undefined) return id;
    const near = nearest(name, table.names);
    throw this.#error(
      `there is no ${table.kind} ${name}${near === undefined ? '' : `: did you mean ${near}?`}`,
    );
  }

  #bytes(): Uint8Array {
    const [all, digits] = this.#take(/([0-9a-fA-F\s]*)\]/y, 'bytes of two hexadecimal digits each, then ]');
    const bare = digits!.replace(/\s+/g, '');
    if (digits!.split(/\s+/).some((group) => group.length % 2 !== 0))
      throw this.#error(`a byte has two hexadecimal digits: [${all}`);
    return Buffer.from(bare, 'hex');
  }

  #string(): Uint8Array {
    const [, body] = this.#take(/((?:[^"\\]|\\[\s\S])*)"/y, 'the end of the string, "');
    const parts = [...body!.matchAll(/\\(x[0-9a-fA-F]{1,2}|[0-7]{1,3}|[\s\S])|[^\\]+/g)].map(
      ([whole, code]) => (code === undefined ? Buffer.from(whole) : escaped(code)),
    );
    return Buffer.concat([...parts, Buffer.of(0)]);
  }

  #node(label: string | undefined, path: string | undefined): TreeNode {
    const { tree } = this.#place;
    const node = label === undefined ? resolvePath(tree, path!) : findLabel(tree, label);
    if (node) return node;
    const near = label === undefined ? undefined : nearest(label, labelsOf(tree));
    throw this.#error(
      label === undefined
        ? `the tree has no node ${path}`
        : `the tree has no label ${label}${near === undefined ? '' : `: did you mean ${near}?`}`,
    );
  }

  /** Spaces and comments, as `dt show` writes them behind numbers. */
  #skip(): void {
    this.#try(/(?:\s|\/\*[\s\S]*?\*\/)*/y);
  }

  #try(pattern: RegExp): RegExpExecArray | undefined {
    pattern.lastIndex = this.#at;
    const match = pattern.exec(this.#text);
    if (match) this.#at = pattern.lastIndex;
    return match ?? undefined;
  }

  #take(pattern: RegExp, what: string): RegExpExecArray {
    const match = this.#try(pattern);
    if (match) return match;
    throw this.#error(`${what} is expected at ${JSON.stringify(this.#text.slice(this.#at, this.#at + 16))}`);
  }

  #error(what: string): GpuvmError {
    return wrong(`${JSON.stringify(this.#text.slice(0, 80))}: ${what}`);
  }
}

function plain(word: string): string {
  const digits = word.replace(/[ul]+$/i, '');
  return /^0[0-7]+$/.test(digits) ? `0o${digits.slice(1)}` : digits;
}

function number(value: bigint, bits: number): Buffer {
  return Buffer.from(value.toString(16).padStart(bits / 4, '0'), 'hex');
}

const escapes: Readonly<Record<string, number>> = { a: 7, b: 8, t: 9, n: 10, v: 11, f: 12, r: 13 };

function escaped(code: string): Buffer {
  if (/^x./.test(code)) return Buffer.of(Number.parseInt(code.slice(1), 16));
  if (/^[0-7]/.test(code)) return Buffer.of(Number.parseInt(code, 8) & 0xff);
  return escapes[code] === undefined ? Buffer.from(code) : Buffer.of(escapes[code]!);
}

function wrong(what: string): GpuvmError {
  return new GpuvmError('GPUVM_USAGE', what);
}
