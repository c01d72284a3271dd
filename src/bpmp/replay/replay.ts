import type { TransferRecord } from '../capture/index.js';
import { type Expectation, expectationOf, isAsExpected, type Verdict } from '../policy/index.js';
import type { ChipNames } from '../wire/index.js';
import { compareReplies, type ReplyDifference } from './replies.js';
import type { Target, TargetAnswer } from './target.js';

/** What became of one recorded request. */
export interface Replayed {
  readonly record: TransferRecord;
  /** Why it was not sent; then there is no more. */
  readonly unsent?: string;
  readonly answer?: TargetAnswer;
  /** In what it is answered otherwise, but for what was to be told apart. */
  readonly differences: readonly ReplyDifference[];
  /** Differences in fields that may differ. */
  readonly apart: readonly ReplyDifference[];
}

export interface ReplayOptions {
  readonly chip: ChipNames;
  /** Whether a field may differ, such as a temperature. */
  readonly mayDiffer: (field: string) => boolean;
  /** Ask at the times of the recording instead of as fast as can be. */
  readonly realTime?: boolean;
  readonly sleep?: (ms: number) => Promise<unknown>;
}

/** A pause of a recording is no longer than this when it is sent again. */
const LONGEST_PAUSE_MS = 10_000;

/** Sends recorded requests again, in their order, and compares the answers. */
export async function* replay(
  batches: AsyncIterable<readonly TransferRecord[]>,
  target: Target,
  options: ReplayOptions,
): AsyncGenerator<Replayed> {
  const sleep = options.sleep ?? ((ms) => new Promise((resolve) => setTimeout(resolve, ms)));
  const size = options.realTime ? 1 : target.batch;
  let beforeNs: bigint | undefined;
  for await (const batch of batches) {
    for (let at = 0; at < batch.length; at += size) {
      const part = batch.slice(at, at + size);
      if (options.realTime) {
        const pauseMs = Number(part[0]!.timeNs - (beforeNs ?? part[0]!.timeNs)) / 1e6;
        if (pauseMs >= 1) await sleep(Math.min(pauseMs, LONGEST_PAUSE_MS));
        beforeNs = part[0]!.timeNs;
      }
      yield* await replayPart(part, target, options);
    }
  }
}

async function replayPart(
  part: readonly TransferRecord[],
  target: Target,
  options: ReplayOptions,
): Promise<Replayed[]> {
  const unsent = part.map((record) => target.unfit(record));
  const answers = [...(await target.ask(part.filter((_, index) => unsent[index] === undefined)))];
  return part.map((record, index) => {
    const why = unsent[index];
    if (why !== undefined) return { record, unsent: why, differences: [], apart: [] };
    const answer = answers.shift()!;
    const found = differencesOf(record, answer, options.chip);
    return {
      record,
      answer,
      differences: found.filter(({ field }) => !options.mayDiffer(field)),
      apart: found.filter(({ field }) => options.mayDiffer(field)),
    };
  });
}

function differencesOf(record: TransferRecord, answer: TargetAnswer, chip: ChipNames): ReplyDifference[] {
  const { verdict } = answer;
  const expected = expectationOf(record, chip);
  if (verdict !== undefined && !isAsExpected(expected, verdict))
    return [{ field: 'bpmp.verdict', before: verdictText(record.verdict, expected), now: verdict }];
  // What was only watched was answered by other rules than those of a policy, and what was refused for its rate by none.
  if (expected === 'anything' || expected === 'passes') return [];
  return compareReplies(record, answer);
}

/** `deny`; `deny, observed` where the guest was served all the same. */
export function verdictText(verdict: Verdict, expected: Expectation): string {
  return expected === 'passes' ? `${verdict}, observed` : verdict;
}
