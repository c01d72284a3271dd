import type { ChipNames } from '../wire/index.js';
import { classify, newShape } from '../wire/index.js';
import { builtIn } from './builtin.js';
import type { Verdict } from './decision.js';
import { needOf } from './need.js';

/** What a policy needs to know of a transfer that was recorded. */
export interface SeenTransfer {
  readonly mrq: number;
  readonly tx: Uint8Array;
  readonly verdict: Verdict;
  /** Denied for asking about what the view hides. */
  readonly hidden?: boolean;
  /** The policy was only watching: mode audit or learn. */
  readonly observed?: boolean;
  /** The rule's text. */
  readonly rule: string;
  /** In ns since 1970. */
  readonly timeNs: bigint;
}

/**
 * What another policy has to say of a recorded request so that the guest fares as it did. `passes`: allowed or absorbed,
 * for what was denied by a policy that only watched. `anything`: the record says nothing of the policy.
 */
export type Expectation = Verdict | 'passes' | 'anything';

/** These refusals are the mediator's own: how fast the guest asked, and what the bridge could not read. */
const RATE_LIMIT = 'built-in: rate limit';
const UNREADABLE = 'built-in: malformed, ';

const shape = newShape();

export function expectationOf(transfer: SeenTransfer, chip: ChipNames): Expectation {
  const { verdict, rule, hidden, observed, mrq, tx } = transfer;
  if (rule === RATE_LIMIT || rule.startsWith(UNREADABLE)) return 'anything';
  if (verdict !== 'deny' || observed !== true) return verdict;
  if (hidden) return 'anything';
  const need = needOf(classify(mrq, tx, shape), tx, chip);
  if (need.kind === 'never') return 'deny';
  // Whether a clock may be put on one that the chip has not: it cannot be granted, but on a shared clock is absorbed.
  const parent = need.kind === 'resource' ? need.parent : undefined;
  return parent !== undefined && chip.clocks.nameOf(parent) === undefined ? 'anything' : 'passes';
}

/** Whether nothing but the full view let a read pass. */
export function isByView({ rule, verdict }: SeenTransfer): boolean {
  return verdict === 'allow' && (rule === builtIn.fullView.text || rule.endsWith(' view: full'));
}

/** Whether a read was hidden by a line that says so, and not for want of one. */
export function isHiddenByLine({ rule, hidden }: SeenTransfer): boolean {
  return hidden === true && rule !== builtIn.filtered.text && !rule.endsWith(' view: filtered');
}

/** Whether a read passed because the guest's device tree names what it asks about; that is no line of a policy. */
export function isByTree({ rule, verdict }: SeenTransfer): boolean {
  return verdict === 'allow' && rule === builtIn.asked.text;
}

export function isAsExpected(expected: Expectation, verdict: Verdict): boolean {
  if (expected === 'anything') return true;
  return expected === 'passes' ? verdict === 'allow' || verdict === 'absorb' : verdict === expected;
}
