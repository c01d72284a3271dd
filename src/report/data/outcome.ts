import type { TransferRecord } from '../../bpmp/capture/index.js';

/**
 * How a transfer ended, as a page shows it, from the least worth a look to the most: of several in one place the highest
 * is drawn. `failed` was allowed and the firmware refused it; `hidden` was denied for asking about what the view hides.
 */
export const outcomes = ['allow', 'hidden', 'absorb', 'failed', 'malformed', 'deny'] as const;
export type Outcome = (typeof outcomes)[number];

export const OUTCOME: Readonly<Record<Outcome, number>> = {
  allow: 0,
  hidden: 1,
  absorb: 2,
  failed: 3,
  malformed: 4,
  deny: 5,
};

const verdicts = ['allow', 'deny', 'absorb', 'malformed'] as const;
const HIDDEN = 4;
const OBSERVED = 8;

/** Verdict and marks in one byte. */
export function flagsOf({ verdict, hidden, observed }: TransferRecord): number {
  return verdicts.indexOf(verdict) | (hidden ? HIDDEN : 0) | (observed ? OBSERVED : 0);
}

export function fromFlags(flags: number): Pick<TransferRecord, 'verdict' | 'hidden' | 'observed'> {
  return {
    verdict: verdicts[flags & 3]!,
    ...((flags & HIDDEN) !== 0 && { hidden: true }),
    ...((flags & OBSERVED) !== 0 && { observed: true }),
  };
}

/** The outcome's number. */
export function outcomeOf(flags: number, ret: number): number {
  const verdict = verdicts[flags & 3];
  if ((flags & HIDDEN) !== 0 && verdict !== 'allow') return OUTCOME.hidden;
  if (verdict === 'allow') return ret < 0 ? OUTCOME.failed : OUTCOME.allow;
  return OUTCOME[verdict!];
}

/** What a reader looks for, and is therefore kept where not everything can be. */
export function isNotable(outcome: number): boolean {
  return outcome >= OUTCOME.failed;
}
