import { MAX_PAYLOAD, type Outcome } from '../backend/index.js';
import type { Mediator } from '../mediator/index.js';
import type { CompiledPolicy, Verdict } from '../policy/index.js';
import { classify, newShape } from '../wire/index.js';

/** What a VM's mediator answers to a request that is not its guest's. */
export interface BpmpAnswer {
  readonly ret: number;
  readonly rx: Uint8Array;
  readonly verdict: Verdict;
  readonly rule: string;
}

const RATE_LIMIT = 'built-in: rate limit';

/** Asks as the guest would: by its policy, in its ledger, within its rate. Answers at once where the backend does. */
export function askMediator(
  mediator: Mediator,
  policy: CompiledPolicy,
  mrq: number,
  tx: Uint8Array,
): BpmpAnswer | Promise<BpmpAnswer> {
  const { verdict, rule } = policy.decide(classify(mrq, tx, newShape()), tx);
  const rx = new Uint8Array(MAX_PAYLOAD);
  const refusedBefore = mediator.snapshot().refused;
  const outcome = mediator.handle(mrq, tx, rx);
  const isLimited = mediator.snapshot().refused > refusedBefore;
  const decided = isLimited ? { verdict: 'deny' as const, rule: RATE_LIMIT } : { verdict, rule: rule.text };
  const answer = ({ ret, rxSize }: Outcome) => ({ ret, rx: rx.slice(0, rxSize), ...decided });
  return outcome instanceof Promise ? outcome.then(answer) : answer(outcome);
}
