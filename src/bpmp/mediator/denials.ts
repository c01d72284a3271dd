import type { CompiledPolicy, Verdict } from '../policy/index.js';
import { TokenBucket } from './limit.js';

/** A refused request, for people: what it was, which rule said so, and the line that would allow it. */
export interface DenialEvent {
  readonly vm: string;
  readonly mrq: number;
  readonly tx: Uint8Array;
  readonly verdict: Verdict;
  readonly ret: number;
  readonly rule: string;
  readonly fix: string | undefined;
  /** How many more were refused since the last event without one of their own. */
  readonly suppressed: number;
}

const PER_SECOND = 10;
const BURST = 50;

/** Turns refusals into events, no more a second than a person can read, whatever the guest does. */
export class DenialReporter {
  readonly #vm: string;
  readonly #policy: CompiledPolicy;
  readonly #emit: (event: DenialEvent) => void;
  readonly #bucket: TokenBucket;
  #suppressed = 0;

  constructor(vm: string, policy: CompiledPolicy, emit: (event: DenialEvent) => void, nowMs: number) {
    this.#vm = vm;
    this.#policy = policy;
    this.#emit = emit;
    this.#bucket = new TokenBucket(PER_SECOND, BURST, nowMs);
  }

  report(mrq: number, tx: Uint8Array, verdict: Verdict, ret: number, rule: string, nowMs: number): void {
    if (!this.#bucket.tryTake(nowMs)) {
      this.#suppressed++;
      return;
    }
    // The explanation is worked out here, behind the limit, because it costs far more than the decision did.
    const fix = verdict === 'deny' ? this.#policy.explain(mrq, tx).fix : undefined;
    this.#emit({ vm: this.#vm, mrq, tx: tx.slice(), verdict, ret, rule, fix, suppressed: this.#suppressed });
    this.#suppressed = 0;
  }

  /** Refusals that no event has told of yet. */
  get suppressed(): number {
    return this.#suppressed;
  }
}
