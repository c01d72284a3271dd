import type { Backend, Outcome } from '../backend/index.js';
import { RingTransfer, type TransferRing } from '../capture/index.js';
import { BpmpError, type ChipNames } from '../wire/index.js';
import type { MediatorSnapshot } from './mediator.js';
import { Statistics } from './statistics.js';

export interface UnpolicedOptions {
  /** Whose requests they are, for records. */
  readonly vm: string;
  readonly backend: Backend;
  /** Whose ids the counters are of. */
  readonly chip: ChipNames;
  /** Where every transfer is recorded. */
  readonly ring: TransferRing;
}

const RULE = 'not policed';
const NOTHING = new Uint8Array(0);

/**
 * Stands where a mediator does, for a program of this host that is only looked at: forwards whatever it is asked, records
 * it, and gives nothing back.
 */
export class Unpoliced {
  readonly #options: UnpolicedOptions;
  readonly #statistics: Statistics;
  readonly #record: RingTransfer;

  constructor(options: UnpolicedOptions) {
    this.#options = options;
    this.#statistics = new Statistics(options.chip);
    this.#record = new RingTransfer(options.vm);
    this.#record.rule = RULE;
  }

  /** See `RequestHandler`: never throws, never rejects. */
  handle(mrq: number, tx: Uint8Array, rx: Uint8Array, thread = 0): Outcome | Promise<Outcome> {
    const startedMs = performance.now();
    this.#statistics.forwarded++;
    let outcome: Outcome | Promise<Outcome>;
    try {
      outcome = this.#options.backend.transfer(mrq, tx, rx);
    } catch {
      outcome = { ret: BpmpError.EIO, rxSize: 0 };
    }
    if (!(outcome instanceof Promise)) return this.#finish(mrq, tx, rx, startedMs, thread, outcome);
    const kept = tx.slice();
    return outcome
      .catch(() => ({ ret: BpmpError.EIO, rxSize: 0 }))
      .then((late) => this.#finish(mrq, kept, rx, startedMs, thread, late));
  }

  /** A request whose bytes the bridge could not read; it cannot be forwarded either. */
  malformed(mrq: number, reason: string, thread = 0): Outcome {
    const outcome = { ret: BpmpError.EINVAL, rxSize: 0 };
    this.#record.verdict = 'malformed';
    this.#record.rule = `built-in: malformed, ${reason}`;
    this.#finish(mrq, NOTHING, NOTHING, performance.now(), thread, outcome);
    this.#record.verdict = 'allow';
    this.#record.rule = RULE;
    return outcome;
  }

  snapshot(): MediatorSnapshot {
    return { vm: this.#options.vm, ...this.#statistics.snapshot(), holdings: [] };
  }

  #finish(
    mrq: number,
    tx: Uint8Array,
    rx: Uint8Array,
    startedMs: number,
    thread: number,
    outcome: Outcome,
  ): Outcome {
    const record = this.#record;
    record.atMs = performance.now();
    record.latencyNs = (record.atMs - startedMs) * 1e6;
    record.mrq = mrq;
    record.tx = tx;
    record.ret = outcome.ret;
    record.rx = outcome.rxSize > 0 ? rx.subarray(0, outcome.rxSize) : NOTHING;
    record.thread = thread;
    this.#statistics.record(mrq, record.verdict, record.latencyNs);
    this.#options.ring.add(record);
    return outcome;
  }
}
