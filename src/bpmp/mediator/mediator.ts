import { setTimeout as sleep } from 'node:timers/promises';
import type { Backend, Outcome } from '../backend/index.js';
import { RingTransfer, type TransferRing } from '../capture/index.js';
import type { CompiledPolicy, Decision, Limit, PolicyLearner, Verdict } from '../policy/index.js';
import { BpmpError, classify, newShape } from '../wire/index.js';
import { Accountant } from './accountant.js';
import { aspects } from './aspects.js';
import { type DenialEvent, DenialReporter } from './denials.js';
import { Execution } from './execution.js';
import type { Ledger } from './ledger.js';
import { TokenBucket } from './limit.js';
import type { ReleaseReport } from './release.js';
import { type LatencyRow, type SavedStatistics, Statistics, type StatisticsSnapshot } from './statistics.js';

export interface MediatorOptions {
  /** The VM's name, for records and events. */
  readonly vm: string;
  readonly policy: CompiledPolicy;
  readonly backend: Backend;
  /** Where every transfer is recorded. */
  readonly ring?: TransferRing;
  /** Sees refusals, rate limited. */
  readonly onDenial?: (event: DenialEvent) => void;
  /** In mode `learn`: is shown what would have been denied. */
  readonly learner?: PolicyLearner;
  /** Where what the guest holds is noted; a ledger of this process's own, and nothing held, unless told. */
  readonly ledger?: Ledger;
  /** What a former mediator of the same guest had counted. */
  readonly saved?: SavedMediator;
  /** Monotonic time in ms. */
  readonly nowMs?: () => number;
}

export interface MediatorSnapshot extends StatisticsSnapshot {
  readonly vm: string;
  readonly holdings: readonly { readonly resource: string; readonly before: string; readonly now: string }[];
  /** The rate limit, where there is one, and the tokens that are left; below 0 where some were lent. */
  readonly limit?: Limit & { readonly balance: number };
}

/** What a mediator passes on to its successor, beside the ledger; as JSON would hold it. */
export interface SavedMediator {
  readonly statistics: SavedStatistics;
  /** Tokens of the rate limit, where there is one. */
  readonly tokens?: number;
}

/** A request that would have to wait longer than this for the rate limit is refused with -EAGAIN. */
const LONGEST_DELAY_MS = 1000;
const LIMIT_RULE = 'built-in: rate limit';

/**
 * One request's way for one VM: decode, decide, forward or answer in the firmware's place, account, record. Answers
 * at once where the backend does, so that the hot path makes no promise.
 */
export class Mediator {
  readonly #options: MediatorOptions;
  readonly #policy: CompiledPolicy;
  readonly #accountant: Accountant;
  readonly #execution: Execution;
  readonly #denials: DenialReporter | undefined;
  readonly #bucket: TokenBucket | undefined;
  readonly #statistics: Statistics;
  readonly #now: () => number;
  /** Scratch of the decision under way; read out before anything is awaited. */
  readonly #shape = newShape();
  readonly #underWay = new Set<Promise<Outcome>>();
  /** While a reset guest's things are given back: what it asks meanwhile, started anew, waits for that. */
  #resetting: Promise<ReleaseReport> | undefined;
  /** Scratch, too: what is recorded of the transfer at hand. */
  readonly #record: RingTransfer;

  constructor(options: MediatorOptions) {
    this.#options = options;
    this.#policy = options.policy;
    this.#now = options.nowMs ?? (() => performance.now());
    this.#statistics = new Statistics(options.policy.chip);
    this.#accountant = new Accountant(options.policy, options.backend, this.#statistics, options.ledger);
    this.#execution = new Execution(options, this.#accountant, this.#statistics);
    this.#record = new RingTransfer(options.vm);
    this.#record.observed = options.policy.mode !== 'enforce';
    const now = this.#now();
    if (options.onDenial)
      this.#denials = new DenialReporter(options.vm, options.policy, options.onDenial, now);
    const limit = options.policy.limit;
    if (limit) this.#bucket = new TokenBucket(limit.perSecond, limit.burst, now);
    const { saved } = options;
    if (saved === undefined) return;
    this.#statistics.restore(saved.statistics);
    if (saved.tokens !== undefined) this.#bucket?.setBalance(saved.tokens);
  }

  /** For a successor that goes on with the same guest and the same ledger. */
  save(): SavedMediator {
    const tokens = this.#bucket?.balance(this.#now());
    return {
      statistics: this.#statistics.save(),
      ...(tokens !== undefined && { tokens }),
    };
  }

  /** See `RequestHandler`: never throws, never rejects. */
  handle(mrq: number, tx: Uint8Array, rx: Uint8Array, thread = 0): Outcome | Promise<Outcome> {
    if (this.#resetting !== undefined) {
      const kept = tx.slice();
      return this.#resetting.then(() => this.handle(mrq, kept, rx, thread));
    }
    const startedMs = this.#now();
    const outcome =
      this.#bucket === undefined || this.#bucket.tryTake(startedMs)
        ? this.#admitted(mrq, tx, rx, startedMs, thread)
        : this.#limited(mrq, tx.slice(), rx, startedMs, thread);
    if (outcome instanceof Promise) this.#watch(outcome);
    return outcome;
  }

  /** A request without contents to look at; the bridge could not or would not read it. */
  malformed(mrq: number, reason: string, thread = 0): Outcome {
    const outcome = { ret: BpmpError.EINVAL, rxSize: 0 };
    const rule = `built-in: malformed, ${reason}`;
    return this.#finish(mrq, NOTHING, NOTHING, this.#now(), thread, 'malformed', rule, outcome);
  }

  /**
   * Gives back all that the guest still holds; see `release`. Call it when no more requests come: those under way are
   * waited for first, each step no longer than the deadline.
   */
  async release(stepDeadlineMs = 2000): Promise<ReleaseReport> {
    if (this.#underWay.size > 0) {
      const deadline = new AbortController();
      const settled = Promise.allSettled(this.#underWay);
      await Promise.race([
        settled,
        sleep(stepDeadlineMs, undefined, { signal: deadline.signal }).catch(() => {}),
      ]);
      deadline.abort();
    }
    return this.#accountant.release(stepDeadlineMs);
  }

  /** The guest was reset: it starts from nothing, so what it held goes back. Its rate and its counters stay. */
  guestReset(stepDeadlineMs?: number): Promise<ReleaseReport> {
    const resetting = this.release(stepDeadlineMs).finally(() => {
      if (this.#resetting === resetting) this.#resetting = undefined;
    });
    this.#resetting = resetting;
    return resetting;
  }

  snapshot(): MediatorSnapshot {
    const holdings = this.#accountant.holdings().map(({ resource, holding }) => ({
      resource,
      before: holding.before === undefined ? 'unknown' : aspects[holding.aspect].print(holding.before),
      now: aspects[holding.aspect].print(holding.now),
    }));
    const { limit } = this.#policy;
    const balance = this.#bucket?.balance(this.#now());
    return {
      vm: this.#options.vm,
      ...this.#statistics.snapshot(),
      holdings,
      ...(limit && balance !== undefined && { limit: { ...limit, balance } }),
    };
  }

  /** What the snapshot's rows sum up, for those who want more of it. */
  latencies(): LatencyRow[] {
    return this.#statistics.latencies();
  }

  #watch(outcome: Promise<Outcome>): void {
    this.#underWay.add(outcome);
    void outcome.finally(() => this.#underWay.delete(outcome));
  }

  #limited(
    mrq: number,
    tx: Uint8Array,
    rx: Uint8Array,
    startedMs: number,
    thread: number,
  ): Outcome | Promise<Outcome> {
    const longest = this.#policy.limit?.exceeded === 'deny' ? 0 : LONGEST_DELAY_MS;
    const waitMs = this.#bucket?.borrow(startedMs, longest);
    if (waitMs === undefined) {
      this.#statistics.refused++;
      const refusal = { ret: BpmpError.EAGAIN, rxSize: 0 };
      return this.#finish(mrq, tx, rx, startedMs, thread, 'deny', LIMIT_RULE, refusal);
    }
    this.#statistics.delayed++;
    return new Promise((resolve) => {
      setTimeout(() => resolve(this.#admitted(mrq, tx, rx, startedMs, thread)), waitMs);
    });
  }

  #admitted(
    mrq: number,
    tx: Uint8Array,
    rx: Uint8Array,
    startedMs: number,
    thread: number,
  ): Outcome | Promise<Outcome> {
    const decision = this.#policy.decide(classify(mrq, tx, this.#shape), tx);
    const { verdict, rule } = decision;
    if (verdict === 'deny' && !decision.hidden) this.#statistics.deny(this.#shape);
    let outcome: Outcome | Promise<Outcome>;
    try {
      outcome = this.#execution.carryOut(decision, this.#shape, tx, rx);
    } catch {
      outcome = { ret: BpmpError.EIO, rxSize: 0 };
    }
    if (!(outcome instanceof Promise)) {
      return this.#finish(mrq, tx, rx, startedMs, thread, verdict, rule.text, outcome, decision);
    }
    const kept = tx.slice();
    return outcome
      .catch(() => ({ ret: BpmpError.EIO, rxSize: 0 }))
      .then((late) => this.#finish(mrq, kept, rx, startedMs, thread, verdict, rule.text, late, decision));
  }

  #finish(
    mrq: number,
    tx: Uint8Array,
    rx: Uint8Array,
    startedMs: number,
    thread: number,
    verdict: Verdict,
    rule: string,
    outcome: Outcome,
    decision?: Decision,
  ): Outcome {
    const endedMs = this.#now();
    const latencyNs = (endedMs - startedMs) * 1e6;
    this.#statistics.record(mrq, verdict, latencyNs);
    const refused = verdict === 'deny' || verdict === 'malformed';
    const hidden = refused && decision?.hidden === true;
    if (hidden) this.#statistics.hidden++;
    if (refused && !hidden) this.#denials?.report(mrq, tx, verdict, outcome.ret, rule, endedMs);
    const record = this.#record;
    record.mrq = mrq;
    record.tx = tx;
    record.verdict = verdict;
    record.hidden = hidden;
    record.rule = rule;
    record.ret = outcome.ret;
    record.rx =
      outcome.rxSize === rx.length ? rx : outcome.rxSize > 0 ? rx.subarray(0, outcome.rxSize) : NOTHING;
    record.latencyNs = latencyNs;
    record.thread = thread;
    record.atMs = endedMs;
    this.#options.ring?.add(record);
    return outcome;
  }
}

const NOTHING = new Uint8Array(0);
