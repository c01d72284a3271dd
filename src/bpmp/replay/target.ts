import { type Backend, MAX_PAYLOAD } from '../backend/index.js';
import type { TransferRecord } from '../capture/index.js';
import { Mediator, type ReleaseReport } from '../mediator/index.js';
import { type CompiledPolicy, type Decision, expectationOf } from '../policy/index.js';
import { type ChipNames, classify, commandOf, mrqs, newShape, ShapeStatus } from '../wire/index.js';
import type { Answer } from './replies.js';

/** A request as it is sent. */
export interface Request {
  readonly mrq: number;
  readonly tx: Uint8Array;
}

/** The answer with what a policy said of the request, where the target has one. */
export interface TargetAnswer extends Answer {
  readonly verdict?: Decision['verdict'];
  readonly rule?: string;
}

/** Where recorded requests are sent again. */
export interface Target {
  /** For people: "the simulated BPMP", "/dev/bpmp-host", "the VM gpu". */
  readonly name: string;
  /** How many requests are asked at once where nobody needs them one by one. */
  readonly batch: number;
  /** Why a request is not to be sent there; undefined where it may be. */
  unfit(record: TransferRecord): string | undefined;
  ask(requests: readonly Request[]): Promise<readonly TargetAnswer[]>;
  /** Gives back what was changed, where it is known; one line for people. */
  end(): Promise<string | undefined>;
}

const shape = newShape();

/**
 * Why a request is never sent to a BPMP by itself, whoever recorded it: what the firmware would read or write at an address
 * that stands in it, and what it has no name for.
 */
export function neverSent({ mrq, tx }: Request): string | undefined {
  if (tx.length > MAX_PAYLOAD) return `more than ${MAX_PAYLOAD} bytes`;
  const { status } = classify(mrq, tx, shape);
  if (status === ShapeStatus.UNKNOWN_MRQ || status === ShapeStatus.UNKNOWN_COMMAND) return 'unknown';
  if (status !== ShapeStatus.OK) return 'malformed';
  if (mrqs.get(mrq)?.passesAddresses) return 'it passes addresses';
  return commandOf(mrq, shape.command)?.fromBpmp ? 'sent by the firmware alone' : undefined;
}

/** A BPMP with nobody in front of it: it is sent what it was sent then. */
export class BackendTarget implements Target {
  readonly batch = 1;
  readonly name: string;
  readonly #backend: Backend;
  readonly #chip: ChipNames;

  constructor(name: string, backend: Backend, chip: ChipNames) {
    this.name = name;
    this.#backend = backend;
    this.#chip = chip;
  }

  unfit(record: TransferRecord): string | undefined {
    const never = neverSent(record);
    if (never !== undefined) return never;
    const expected = expectationOf(record, this.#chip);
    if (expected === 'allow') return undefined;
    if (record.verdict === 'absorb') return 'answered in its place then';
    return 'not sent to it then';
  }

  async ask(requests: readonly Request[]): Promise<TargetAnswer[]> {
    const answers: TargetAnswer[] = [];
    for (const { mrq, tx } of requests) {
      const rx = new Uint8Array(MAX_PAYLOAD);
      const { ret, rxSize } = await this.#backend.transfer(mrq, tx, rx);
      answers.push({ ret, rx: rx.slice(0, rxSize) });
    }
    return answers;
  }

  async end(): Promise<undefined> {
    await this.#backend.close();
  }
}

/** A BPMP behind a policy, as a guest has it: what the policy does not allow is not sent, and what was changed is given back. */
export class MediatedTarget implements Target {
  readonly batch = 1;
  readonly name: string;
  readonly #backend: Backend;
  readonly #policy: CompiledPolicy;
  readonly #mediator: Mediator;

  /** @param options.unlimited - let the policy's rate limit not count: nobody shares a model */
  constructor(
    name: string,
    backend: Backend,
    policy: CompiledPolicy,
    options: { readonly unlimited?: boolean } = {},
  ) {
    this.name = name;
    this.#backend = backend;
    this.#policy = policy;
    let ms = 0;
    const clock = options.unlimited ? { nowMs: () => (ms += 1000) } : {};
    this.#mediator = new Mediator({ vm: 'replay', policy, backend, ...clock });
  }

  unfit(): undefined {}

  async ask(requests: readonly Request[]): Promise<TargetAnswer[]> {
    const answers: TargetAnswer[] = [];
    for (const { mrq, tx } of requests) {
      const { verdict, rule } = this.#policy.decide(classify(mrq, tx, shape), tx);
      const rx = new Uint8Array(MAX_PAYLOAD);
      const { ret, rxSize } = await this.#mediator.handle(mrq, tx, rx);
      answers.push({ ret, rx: rx.slice(0, rxSize), verdict, rule: rule.text });
    }
    return answers;
  }

  async end(): Promise<string | undefined> {
    const report = await this.#mediator.release();
    await this.#backend.close();
    return describeRelease(report);
  }
}

function describeRelease({ entries, givenBack, kept, failed }: ReleaseReport): string | undefined {
  if (entries.length === 0) return undefined;
  return `given back: ${givenBack}, kept: ${kept}, failed: ${failed}`;
}
