import { compileFilter } from '../../bpmp/filter/index.js';
import { GpuvmError } from '../../errors.js';
import { outcomes } from '../data/outcome.js';
import { retText } from './ret.js';
import type { Store } from './store.js';

type Matcher = (row: number) => boolean;
export type Compiled = { readonly matches: Matcher | undefined } | { readonly mistake: string };

/** What makes a text more than words to look for. */
const EXPRESSION = /[=<>!&|~(){}"']|\bbpmp\./;

/** What a filter's text wants: an expression on fields, or words that are looked for in everything. */
export function compile(text: string, store: Store): Compiled {
  if (text.trim() === '') return { matches: undefined };
  if (!EXPRESSION.test(text)) return { matches: words(text.trim(), store) };
  try {
    const filter = compileFilter(text);
    return { matches: (row) => filter(store.record(row)) };
  } catch (error) {
    return { mistake: mistakeText(error) };
  }
}

/** A mistake as the command line shows it: the text, a caret under the place, what is wrong. */
export function mistakeText(error: unknown): string {
  if (!GpuvmError.is(error)) return String(error);
  const { shown } = error.details;
  return [...(Array.isArray(shown) ? shown : []), error.message].join('\n');
}

/** All of the words are in the request, the rule, the VM's name, the verdict or the answer. */
function words(text: string, store: Store): Matcher {
  const wanted = text.toLowerCase().split(/\s+/);
  const { outcome, embedded } = store;
  return (row) => {
    const all =
      `${store.text(row)}\n${store.rule(row)}\n${store.vm(row)}\n${outcomes[outcome[row]!]}\n${retText(embedded.columns.ret[row]!)}`.toLowerCase();
    return wanted.every((word) => all.includes(word));
  };
}

/** How long the page may stand still at a time, in ms. */
const SLICE = 12;

/** Asks of every row, in slices between which the page can be used. Undefined where it was stopped. */
export async function matchAll(
  matches: Matcher,
  length: number,
  stopped: () => boolean,
): Promise<Uint8Array | undefined> {
  const wanted = new Uint8Array(length);
  let until = performance.now() + SLICE;
  for (let row = 0; row < length; row++) {
    if (matches(row)) wanted[row] = 1;
    if (row % 256 !== 0 || performance.now() < until) continue;
    await new Promise((resolve) => setTimeout(resolve));
    if (stopped()) return undefined;
    until = performance.now() + SLICE;
  }
  return wanted;
}
