import { BpmpError } from '../wire/index.js';
import type { Decision, Rule, Verdict } from './decision.js';
import type { Check } from './resource-kind.js';

/** A table's entry: a decision's number, and above it the check that must hold for it. */
export const CHECK_SHIFT = 14;
export const INDEX_MASK = (1 << CHECK_SHIFT) - 1;

const answers: Readonly<Record<Verdict, number>> = {
  allow: 0,
  absorb: 0,
  deny: BpmpError.EPERM,
  malformed: BpmpError.EINVAL,
};

const verdicts: readonly Verdict[] = ['allow', 'absorb', 'deny', 'malformed'];

/** Makes each different decision once, so that tables hold numbers and deciding makes nothing. */
export class DecisionPool {
  readonly decisions: Decision[] = [];
  readonly #codes = new Map<Rule, Map<number, number>>();

  /** The decision's number. */
  code(verdict: Verdict, rule: Rule, readOnly = false, hidden = false): number {
    const key = verdicts.indexOf(verdict) * 4 + (readOnly ? 2 : 0) + (hidden ? 1 : 0);
    let codes = this.#codes.get(rule);
    if (codes === undefined) {
      codes = new Map();
      this.#codes.set(rule, codes);
    }
    let code = codes.get(key);
    if (code === undefined) {
      code = this.decisions.length;
      if (code > INDEX_MASK)
        throw new RangeError('a policy with more decisions than a table entry can number');
      codes.set(key, code);
      this.decisions.push(Object.freeze({ verdict, ret: answers[verdict], rule, readOnly, hidden }));
    }
    return code;
  }

  decision(verdict: Verdict, rule: Rule, readOnly = false, hidden = false): Decision {
    return this.decisions[this.code(verdict, rule, readOnly, hidden)]!;
  }
}

export function checked(code: number, check: Check): number {
  return code | (check << CHECK_SHIFT);
}
