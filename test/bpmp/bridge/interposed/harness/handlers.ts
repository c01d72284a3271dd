import { setTimeout as wait } from 'node:timers/promises';
import type { Outcome } from '../../../../../src/bpmp/backend/backend.js';
import type { RequestHandler } from '../../../../../src/bpmp/bridge/bridge.js';

/** A handler for a test, with what it saw. */
export interface TestHandler extends RequestHandler {
  report(): Record<string, unknown>;
}

const EPERM = -1;
const EINVAL = -22;
/** The words between which gpuvm-standin --race switches its payload. */
const RACE_ALLOWED = 7;

/** Answers the payload, each byte xor 0x5a: what gpuvm-standin expects. */
function echo(tx: Uint8Array, rx: Uint8Array): Outcome {
  const rxSize = Math.min(tx.length, rx.length);
  for (let i = 0; i < rxSize; i++) rx[i] = tx[i] ^ 0x5a;
  return { ret: 0, rxSize };
}

function word(bytes: Uint8Array, at: number): number {
  return bytes.length < at + 4
    ? 0
    : bytes[at] | (bytes[at + 1] << 8) | (bytes[at + 2] << 16) | (bytes[at + 3] << 24);
}

/** Counts how often each request was executed; gpuvm-standin numbers them. */
class Executions {
  readonly #times = new Map<string, number>();
  malformed = 0;

  count(tx: Uint8Array): void {
    const key = `${word(tx, 0)}:${word(tx, 4)}`;
    this.#times.set(key, (this.#times.get(key) ?? 0) + 1);
  }

  report(): Record<string, unknown> {
    const times = [...this.#times.values()];
    return {
      distinct: times.length,
      executions: times.reduce((sum, count) => sum + count, 0),
      moreThanOnce: times.filter((count) => count > 1).length,
      malformed: this.malformed,
    };
  }
}

function counting(answer: RequestHandler['handle']): () => TestHandler {
  return () => {
    const executions = new Executions();
    return {
      handle(mrq, tx, rx) {
        executions.count(tx);
        return answer(mrq, tx, rx);
      },
      malformed() {
        executions.malformed++;
        return { ret: EINVAL, rxSize: 0 };
      },
      report: () => executions.report(),
    };
  };
}

function spin(microseconds: number): void {
  for (const end = performance.now() + microseconds / 1000; performance.now() < end; );
}

async function later(ms: number, tx: Uint8Array, rx: Uint8Array): Promise<Outcome> {
  const copy = tx.slice();
  await wait(ms);
  return echo(copy, rx);
}

/** A request decided on its first word, and looked at once more where a careless supervisor would read it again. */
function race(): TestHandler {
  const seen = { allowed: 0, denied: 0, changed: 0 };
  return {
    handle(_mrq, tx, rx) {
      const decided = word(tx, 0);
      if (decided !== RACE_ALLOWED) {
        seen.denied++;
        return { ret: EPERM, rxSize: 0 };
      }
      seen.allowed++;
      if (word(tx, 0) !== decided) seen.changed++;
      rx.set(tx.subarray(0, 4));
      return { ret: 0, rxSize: 4 };
    },
    malformed: () => ({ ret: EINVAL, rxSize: 0 }),
    report: () => seen,
  };
}

export const handlers = {
  echo: counting((_mrq, tx, rx) => echo(tx, rx)),
  /** As `echo`, with time for a signal to arrive in between. */
  busy: counting((_mrq, tx, rx) => {
    spin(30);
    return echo(tx, rx);
  }),
  deny: counting(() => ({ ret: EPERM, rxSize: 0 })),
  /** Answers from the event loop. */
  later: counting((_mrq, tx, rx) => later(1, tx, rx)),
  /** Answers by a promise, at once. */
  promised: counting((_mrq, tx, rx) => Promise.resolve(echo(tx, rx))),
  /** The first thread's requests take 200 ms, the others' none. */
  slowFirst: counting((_mrq, tx, rx) => (word(tx, 0) === 0 ? later(200, tx, rx) : echo(tx, rx))),
  /** The first request is never answered. */
  hung: counting((_mrq, tx, rx) => (word(tx, 4) === 0 ? new Promise(() => {}) : echo(tx, rx))),
  throwing: counting(() => {
    throw new Error('a defect');
  }),
  race,
  /** No more than an answer: for measuring the bridge alone. */
  bare: (): TestHandler => ({
    handle(_mrq, tx, rx) {
      rx.set(tx.length > rx.length ? tx.subarray(0, rx.length) : tx);
      return { ret: 0, rxSize: Math.min(tx.length, rx.length) };
    },
    malformed: () => ({ ret: EINVAL, rxSize: 0 }),
    report: () => ({}),
  }),
};
export type HandlerName = keyof typeof handlers;
