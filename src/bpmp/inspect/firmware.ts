import { setTimeout as sleep } from 'node:timers/promises';
import { GpuvmError } from '../../errors.js';
import {
  type ChipNames,
  decodeReply,
  describe,
  encodeRequest,
  errorName,
  type RequestInput,
  type Values,
} from '../wire/index.js';

export interface Question {
  readonly mrq: number;
  readonly tx: Uint8Array;
}

export interface Reply {
  readonly ret: number;
  readonly rx: Uint8Array;
  /** More about a refusal, where somebody on the way knows it. */
  readonly note?: string | undefined;
}

/** Sends requests to a BPMP, wherever it is, and resolves with the reply to each, in order. */
export type Transfer = (questions: readonly Question[]) => Promise<readonly Reply[]>;

export interface FirmwareOptions {
  readonly chip: ChipNames;
  /** How many requests may be made in all; a firmware that never comes to an end is left. */
  readonly most?: number;
  /** For each request, in ms. */
  readonly deadlineMs?: number;
}

/** What one request came to: the reply's fields, or why there are none. */
export type Answer =
  | { readonly ok: true; readonly fields: Values }
  | {
      readonly ok: false;
      readonly ret: number;
      readonly problem: string;
      readonly note?: string | undefined;
    };

const MOST = 20_000;
const DEADLINE_MS = 5_000;
/** For each further one that is asked at once: a VM's rate limit makes it wait. */
const MORE_MS = 200;

/** A BPMP that is asked by names; bounded in how much is asked and how long each answer may take. */
export class Firmware {
  readonly chip: ChipNames;
  readonly #transfer: Transfer;
  readonly #most: number;
  readonly #deadlineMs: number;
  #asked = 0;

  constructor(transfer: Transfer, { chip, most = MOST, deadlineMs = DEADLINE_MS }: FirmwareOptions) {
    this.chip = chip;
    this.#transfer = transfer;
    this.#most = most;
    this.#deadlineMs = deadlineMs;
  }

  /** Asks several things at once. Throws GPUVM_INSPECT where the BPMP does not answer at all. */
  async ask(...inputs: readonly RequestInput[]): Promise<Answer[]> {
    const questions = inputs.map((input) => encodeRequest(input, this.chip));
    this.#asked += questions.length;
    if (this.#asked > this.#most)
      throw new GpuvmError('GPUVM_INSPECT', `the BPMP was asked ${this.#most} times without an end`);
    const [first] = questions;
    if (first === undefined) return [];
    const what = describe(first.mrq, first.tx, this.chip);
    const deadlineMs = this.#deadlineMs + (questions.length - 1) * MORE_MS;
    const replies = await inTime(this.#transfer(questions), deadlineMs, what);
    return questions.map((question, i) => answerOf(question, replies[i], this.chip));
  }

  async askOne(input: RequestInput): Promise<Answer> {
    return (await this.ask(input))[0]!;
  }

  /** One answer's fields. Throws GPUVM_INSPECT with the firmware's refusal. */
  async need(input: RequestInput, what: string): Promise<Values> {
    const answer = await this.askOne(input);
    if (answer.ok) return answer.fields;
    throw new GpuvmError('GPUVM_INSPECT', `${what}: ${answer.note ?? answer.problem}`, {
      details: { ret: answer.ret },
    });
  }
}

async function inTime<T>(replies: Promise<T>, deadlineMs: number, what: string): Promise<T> {
  const done = new AbortController();
  const late = sleep(deadlineMs, undefined, { signal: done.signal }).then(() => {
    throw new GpuvmError('GPUVM_INSPECT', `the BPMP did not answer ${what} within ${deadlineMs} ms`);
  });
  late.catch(() => undefined);
  try {
    return await Promise.race([replies, late]);
  } finally {
    done.abort();
  }
}

function answerOf({ mrq, tx }: Question, reply: Reply | undefined, chip: ChipNames): Answer {
  if (reply === undefined) return { ok: false, ret: 0, problem: 'no answer' };
  const { ret, rx, note } = reply;
  if (ret < 0) return { ok: false, ret, problem: errorName(ret) ?? String(ret), note };
  const { status, reason, fields } = decodeReply(mrq, tx, ret, rx, chip);
  if (status !== 'ok') return { ok: false, ret, problem: reason ?? 'a reply that cannot be read' };
  return { ok: true, fields };
}
