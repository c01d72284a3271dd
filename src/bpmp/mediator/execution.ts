import type { Backend, Outcome } from '../backend/index.js';
import type { CompiledPolicy, Decision, PolicyLearner } from '../policy/index.js';
import { ClkCommand, Mrq, mrqs, type Shape } from '../wire/index.js';
import type { Accountant } from './accountant.js';
import type { Statistics } from './statistics.js';
import { FilteredView } from './view.js';

export interface ExecutionParts {
  readonly policy: CompiledPolicy;
  readonly backend: Backend;
  /** In mode `learn`: is shown what would have been denied. */
  readonly learner?: PolicyLearner;
}

/** What follows from a decision: the request goes to the firmware, or is answered in its place. */
export class Execution {
  readonly #policy: CompiledPolicy;
  readonly #backend: Backend;
  readonly #learner: PolicyLearner | undefined;
  readonly #accountant: Accountant;
  readonly #statistics: Statistics;
  readonly #view: FilteredView | undefined;

  constructor({ policy, backend, learner }: ExecutionParts, accountant: Accountant, statistics: Statistics) {
    this.#policy = policy;
    this.#backend = backend;
    this.#learner = learner;
    this.#accountant = accountant;
    this.#statistics = statistics;
    if (policy.view === 'filtered') this.#view = new FilteredView(policy);
  }

  /** @param shape - the request's; read out before anything is awaited. */
  carryOut(decision: Decision, shape: Shape, tx: Uint8Array, rx: Uint8Array): Outcome | Promise<Outcome> {
    switch (decision.verdict) {
      case 'allow':
        return this.#forward(shape, tx, rx);
      case 'absorb':
        // In mode learn, what `learn.forward` names is carried out, be it shared.
        return this.#policy.isForwarded(shape, tx) ? this.#forward(shape, tx, rx) : this.#absorb(shape, rx);
      case 'deny':
        this.#learner?.add(shape.mrq, tx);
        if (this.#policy.mode !== 'enforce') return this.#tolerate(decision, shape, tx, rx);
        return { ret: decision.ret, rxSize: 0 };
      case 'malformed':
        return { ret: decision.ret, rxSize: 0 };
    }
  }

  #forward(shape: Shape, tx: Uint8Array, rx: Uint8Array): Outcome | Promise<Outcome> {
    const { mrq, command, id } = shape;
    const answered = this.#view?.answer(mrq, tx, rx);
    if (answered) return answered;
    const outcome = this.#accountant.transfer(shape, tx, rx);
    const view = this.#view;
    if (view === undefined) return outcome;
    if (outcome instanceof Promise) return outcome.then((late) => view.filter(mrq, command, id, late, rx));
    return view.filter(mrq, command, id, outcome, rx);
  }

  /**
   * Answers a change of a shared resource as if it had been made. Where the firmware's answer would carry the value
   * that is now set, the present value is asked for instead.
   */
  #absorb({ mrq, command, id }: Shape, rx: Uint8Array): Outcome | Promise<Outcome> {
    const question =
      mrq !== Mrq.CLK
        ? undefined
        : command === ClkCommand.SET_RATE
          ? ClkCommand.GET_RATE
          : command === ClkCommand.SET_PARENT
            ? ClkCommand.GET_PARENT
            : undefined;
    if (question === undefined) return { ret: 0, rxSize: 0 };
    const tx = new Uint8Array(16);
    new DataView(tx.buffer).setUint32(0, ((question << 24) | id) >>> 0, true);
    this.#statistics.forwarded++;
    const answer = this.#backend.transfer(Mrq.CLK, tx, rx);
    const succeed = (outcome: Outcome) => (outcome.ret < 0 ? { ret: 0, rxSize: 0 } : outcome);
    return answer instanceof Promise ? answer.then(succeed) : succeed(answer);
  }

  /**
   * What audit and learn do with a request that would be denied: forward what only reads, absorb a change of a clock,
   * reset or domain, refuse the rest. Nothing that changes the host's state passes on the strength of a mode alone: in
   * mode learn, what `learn.forward` names is carried out.
   */
  #tolerate(decision: Decision, shape: Shape, tx: Uint8Array, rx: Uint8Array): Outcome | Promise<Outcome> {
    const { mrq } = shape;
    // Some families have the firmware read or write at an address that the caller names: never, in any mode.
    if (decision.readOnly && mrqs.get(mrq)?.passesAddresses === false) return this.#forward(shape, tx, rx);
    if (this.#policy.isForwarded(shape, tx)) return this.#forward(shape, tx, rx);
    if (mrq === Mrq.CLK || mrq === Mrq.RESET || mrq === Mrq.PG) return this.#absorb(shape, rx);
    return { ret: decision.ret, rxSize: 0 };
  }
}
