import type { Backend, Outcome } from '../backend/index.js';
import type { CompiledPolicy } from '../policy/index.js';
import { BpmpError, DebugCommand, type Shape } from '../wire/index.js';
import { Aspect, aspectOf, aspects, readAnswer, readUint32, valueAfter } from './aspects.js';
import { type Holding, Ledger, nameHolding } from './ledger.js';
import { privateParents } from './private-parents.js';
import { type ReleaseReport, release } from './release.js';
import type { Statistics } from './statistics.js';

/** Debug files are few in the firmware and shared with the host; a guest may have this many open at once. */
const MAX_DEBUG_FILES = 4;

/**
 * Sends what was allowed to the firmware and keeps the ledger of what it changed. Before the guest changes a thing that
 * it does not hold yet, the present value is asked for, so that it can be given back.
 */
export class Accountant {
  readonly #policy: CompiledPolicy;
  readonly #backend: Backend;
  readonly #statistics: Statistics;
  readonly #ledger: Ledger;

  constructor(policy: CompiledPolicy, backend: Backend, statistics: Statistics, ledger = new Ledger()) {
    this.#ledger = ledger;
    this.#policy = policy;
    this.#backend = backend;
    this.#statistics = statistics;
  }

  /** `tx` is read before this returns; the shape too. */
  transfer(shape: Shape, tx: Uint8Array, rx: Uint8Array): Outcome | Promise<Outcome> {
    const aspect = aspectOf(shape);
    if (aspect === undefined) return this.#send(shape.mrq, tx, rx);
    const { mrq, command, id } = shape;
    if (aspect === Aspect.DEBUG_FILE) return this.#debug(mrq, command, id, tx, rx);
    const before = this.#before(aspect, id);
    if (before instanceof Promise) {
      const kept = tx.slice();
      return before.then((value) => this.#change(aspect, value, mrq, command, id, kept, rx));
    }
    return this.#change(aspect, before, mrq, command, id, tx, rx);
  }

  holdings(): { resource: string; holding: Holding }[] {
    return this.#ledger
      .holdings()
      .map((holding) => ({ resource: nameHolding(holding, this.#nameOf), holding }));
  }

  release(stepDeadlineMs: number): Promise<ReleaseReport> {
    return releaseLedger(this.#ledger, this.#policy, this.#backend, stepDeadlineMs);
  }

  #send(mrq: number, tx: Uint8Array, rx: Uint8Array): Outcome | Promise<Outcome> {
    this.#statistics.forwarded++;
    return this.#backend.transfer(mrq, tx, rx);
  }

  /** The value that giving back will restore: what the ledger says, else what the firmware says now. */
  #before(aspect: Aspect, id: number): number | undefined | Promise<number | undefined> {
    const held = this.#ledger.get(aspect, id);
    if (held !== undefined) return held.before;
    const spec = aspects[aspect];
    if (spec.ask === undefined) return spec.assumed;
    const question = spec.ask(id);
    const reply = new Uint8Array(spec.answerSize);
    const read = (outcome: Outcome) =>
      outcome.ret < 0 ? spec.assumed : (readAnswer(spec, reply.subarray(0, outcome.rxSize)) ?? spec.assumed);
    const outcome = this.#send(question.mrq, question.tx, reply);
    return outcome instanceof Promise ? outcome.then(read) : read(outcome);
  }

  #change(
    aspect: Aspect,
    before: number | undefined,
    mrq: number,
    command: number,
    id: number,
    tx: Uint8Array,
    rx: Uint8Array,
  ): Outcome | Promise<Outcome> {
    this.#ledger.intend(aspect, id, before, this.#isShared(aspect, id));
    const outcome = this.#send(mrq, tx, rx);
    if (outcome instanceof Promise) {
      const kept = tx.slice();
      return outcome.then((late) => this.#note(aspect, before, command, id, kept, rx, late));
    }
    return this.#note(aspect, before, command, id, tx, rx, outcome);
  }

  #note(
    aspect: Aspect,
    before: number | undefined,
    command: number,
    id: number,
    tx: Uint8Array,
    rx: Uint8Array,
    outcome: Outcome,
  ): Outcome {
    if (outcome.ret >= 0) {
      const now = valueAfter(aspect, command, tx, rx.subarray(0, outcome.rxSize));
      this.#ledger.note(aspect, id, before, now, this.#isShared(aspect, id));
    } else this.#ledger.abandon(aspect, id);
    return outcome;
  }

  /** A guest may use the files that it opened itself, and no more than a few: the descriptors are the firmware's. */
  #debug(
    mrq: number,
    command: number,
    fd: number,
    tx: Uint8Array,
    rx: Uint8Array,
  ): Outcome | Promise<Outcome> {
    const opens = command === DebugCommand.OPEN_RO || command === DebugCommand.OPEN_WO;
    if (opens && this.#ledger.count(Aspect.DEBUG_FILE) >= MAX_DEBUG_FILES) {
      return { ret: BpmpError.EBUSY, rxSize: 0 };
    }
    // The reply to an open is the only place where the descriptor stands: a guest that leaves no room for it would
    // open files that nobody can close.
    if (opens && rx.length < 8) return { ret: BpmpError.EINVAL, rxSize: 0 };
    if (!opens && this.#ledger.get(Aspect.DEBUG_FILE, fd) === undefined) {
      return { ret: BpmpError.EBADSLT, rxSize: 0 };
    }
    const note = (outcome: Outcome): Outcome => {
      if (outcome.ret < 0) return outcome;
      if (opens && outcome.rxSize >= 4) this.#ledger.note(Aspect.DEBUG_FILE, readUint32(rx, 0), 0, 1, false);
      if (command === DebugCommand.CLOSE) this.#ledger.note(Aspect.DEBUG_FILE, fd, 0, 0, false);
      return outcome;
    };
    const outcome = this.#send(mrq, tx, rx);
    return outcome instanceof Promise ? outcome.then(note) : note(outcome);
  }

  #isShared(aspect: Aspect, id: number): boolean {
    if (aspect === Aspect.RESET) return this.#policy.isShared('reset', id);
    if (aspect === Aspect.DOMAIN) return this.#policy.isShared('powerDomain', id);
    if (aspect === Aspect.THERMAL_TRIP) return false;
    return this.#policy.isShared('clock', id);
  }

  readonly #nameOf = (aspect: Aspect, id: number) => nameIn(this.#policy, aspect, id);
}

/** Gives back what a ledger holds, by the policy under which it came to be held; see `release`. */
export function releaseLedger(
  ledger: Ledger,
  policy: CompiledPolicy,
  backend: Backend,
  stepDeadlineMs: number,
): Promise<ReleaseReport> {
  const nameOf = (aspect: Aspect, id: number) => nameIn(policy, aspect, id);
  const mine = (clocks: readonly number[]) => privateParents(clocks, policy, backend);
  return release(ledger, backend, nameOf, mine, stepDeadlineMs);
}

function nameIn({ chip }: CompiledPolicy, aspect: Aspect, id: number): string | undefined {
  if (aspect === Aspect.RESET) return chip.resets.nameOf(id);
  if (aspect === Aspect.DOMAIN) return chip.powerDomains.nameOf(id);
  if (aspect === Aspect.DEBUG_FILE || aspect === Aspect.THERMAL_TRIP) return undefined;
  return chip.clocks.nameOf(id);
}
