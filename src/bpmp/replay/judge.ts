import type { Backend } from '../backend/index.js';
import type { TransferRecord } from '../capture/index.js';
import {
  type CompiledPolicy,
  type Decision,
  type Expectation,
  expectationOf,
  isAsExpected,
  isByTree,
  type Policy,
} from '../policy/index.js';
import { classify, newShape } from '../wire/index.js';
import { compileFor } from './compile.js';

/** What a policy says of a recorded request, beside what was said then. */
export interface Judgement {
  readonly now: Decision;
  /** What the guest needs to hear for it to fare as it did. */
  readonly expected: Expectation;
  /** Whether that is what the policy says. */
  readonly same: boolean;
}

/** Asks a policy about recorded requests, without a BPMP and without a VM. */
export class Judge {
  readonly policy: CompiledPolicy;
  /** As in front of a guest whose device tree names everything: for reads that such a tree let pass. */
  readonly #named: CompiledPolicy;
  readonly #shape = newShape();

  /** @param backend - is asked for the clocks above those that the policy grants */
  static async of(policy: Policy, backend: Backend): Promise<Judge> {
    const { clocks, powerDomains } = policy.chip;
    const named = { clocks: clocks.ids, powerDomains: powerDomains.ids };
    return new Judge(await compileFor(policy, backend), await compileFor(policy, backend, { named }));
  }

  private constructor(policy: CompiledPolicy, named: CompiledPolicy) {
    this.policy = policy;
    this.#named = named;
  }

  judge(record: TransferRecord): Judgement {
    const { mrq, tx } = record;
    const policy = isByTree(record) ? this.#named : this.policy;
    const now = policy.decide(classify(mrq, tx, this.#shape), tx);
    const expected = expectationOf(record, policy.chip);
    return { now, expected, same: isAsExpected(expected, now.verdict) };
  }
}
