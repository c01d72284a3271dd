import type { Backend, Outcome } from '../backend/index.js';
import { BpmpError } from '../wire/index.js';
import { Aspect, aspects } from './aspects.js';
import { type Holding, type Ledger, nameHolding } from './ledger.js';

/** What became of one thing that the guest still held when it ended. */
export interface ReleaseEntry {
  /** `clock GPUSYS` */
  readonly resource: string;
  /** As the guest left it, and as it is now: `on`, `1300000000 Hz`. */
  readonly from: string;
  readonly to: string;
  readonly result: 'given-back' | 'kept' | 'failed';
  /** Why it was kept, or how it failed. */
  readonly reason?: string;
}

export interface ReleaseReport {
  readonly entries: readonly ReleaseEntry[];
  readonly givenBack: number;
  readonly kept: number;
  readonly failed: number;
}

/**
 * Gives back everything in the ledger, the newest change first, so that a clock goes off before its domain does. A
 * step that fails or hangs is reported and the next one is taken.
 */
export async function release(
  ledger: Ledger,
  backend: Backend,
  nameOf: (aspect: Aspect, id: number) => string | undefined,
  privateParents: (clocks: readonly number[]) => Promise<ReadonlySet<number>>,
  stepDeadlineMs: number,
): Promise<ReleaseReport> {
  const entries: ReleaseEntry[] = [];
  const held = ledger.holdings().reverse();
  const sharedClocks = held.filter(({ aspect, shared }) => shared && aspect === Aspect.CLOCK_STATE);
  const ids = sharedClocks.map(({ id }) => id);
  const isPrivate = ids.length === 0 ? NONE : await inTime(privateParents(ids), stepDeadlineMs);
  for (const each of held) {
    const holding = sharedClocks.includes(each) && isPrivate.has(each.id) ? { ...each, shared: false } : each;
    const entry = await giveBack(holding, backend, nameHolding(holding, nameOf), stepDeadlineMs);
    if (entry.result !== 'failed') ledger.drop(holding);
    entries.push(entry);
  }
  const count = (result: ReleaseEntry['result']) => entries.filter((entry) => entry.result === result).length;
  return { entries, givenBack: count('given-back'), kept: count('kept'), failed: count('failed') };
}

const NONE: ReadonlySet<number> = new Set();

/** A firmware that does not answer is asked no more. */
async function inTime(found: Promise<ReadonlySet<number>>, deadlineMs: number): Promise<ReadonlySet<number>> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<ReadonlySet<number>>((resolve) => {
    timer = setTimeout(resolve, deadlineMs, NONE);
  });
  try {
    return await Promise.race([found.catch(() => NONE), late]);
  } finally {
    clearTimeout(timer);
  }
}

async function giveBack(
  holding: Holding,
  backend: Backend,
  resource: string,
  deadlineMs: number,
): Promise<ReleaseEntry> {
  const spec = aspects[holding.aspect];
  const from = holding.unsure === true ? 'unknown' : spec.print(holding.now);
  if (holding.before === undefined) {
    return { resource, from, to: from, result: 'kept', reason: 'its value before is not known' };
  }
  if (holding.shared) {
    return { resource, from, to: from, result: 'kept', reason: 'shared with the host' };
  }
  const { mrq, tx } = spec.set(holding.id, holding.before);
  const outcome = await withDeadline(() => backend.transfer(mrq, tx, new Uint8Array(16)), deadlineMs);
  if (outcome === 'timeout') {
    return { resource, from, to: from, result: 'failed', reason: `no answer within ${deadlineMs} ms` };
  }
  if (outcome.ret < 0) {
    return { resource, from, to: from, result: 'failed', reason: `the firmware answered ${outcome.ret}` };
  }
  return { resource, from, to: spec.print(holding.before), result: 'given-back' };
}

async function withDeadline(
  transfer: () => Outcome | Promise<Outcome>,
  deadlineMs: number,
): Promise<Outcome | 'timeout'> {
  let timer: NodeJS.Timeout | undefined;
  const deadline = new Promise<'timeout'>((resolve) => {
    timer = setTimeout(resolve, deadlineMs, 'timeout');
  });
  try {
    return await Promise.race([transfer(), deadline]);
  } catch {
    return { ret: BpmpError.EIO, rxSize: 0 };
  } finally {
    clearTimeout(timer);
  }
}
