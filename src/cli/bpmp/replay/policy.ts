import { SimulatedBpmp } from '../../../bpmp/backend/index.js';
import type { TransferRecord } from '../../../bpmp/capture/index.js';
import type { Policy } from '../../../bpmp/policy/index.js';
import { Judge, type Judgement, verdictText } from '../../../bpmp/replay/index.js';
import { tegra234 } from '../../../bpmp/tegra234/index.js';
import { describe } from '../../../bpmp/wire/index.js';
import type { Call } from '../../command.js';
import type { Context } from '../../context.js';
import { printable } from '../../printable.js';
import { nothingIn } from '../learn.js';

/** Differences that are listed; the others are counted. */
export const MOST_LISTED = 20;
/** What `gpuvm bpmp replay` ends with where something is not as it was. */
export const DIFFERENT = 1;

/** Asks a policy about everything that was recorded, and says where it says something else. */
export async function replayPolicy(
  batches: AsyncIterable<readonly TransferRecord[]>,
  policy: Policy,
  { args: sources, options }: Call,
  { stdout, stderr, json }: Context,
): Promise<number> {
  const judge = await Judge.of(policy, new SimulatedBpmp());
  const now = { allow: 0, deny: 0, absorb: 0, malformed: 0 };
  let total = 0;
  let differing = 0;
  let undecided = 0;
  for await (const batch of batches) {
    for (const record of batch) {
      total++;
      const judgement = judge.judge(record);
      now[judgement.now.verdict]++;
      if (judgement.expected === 'anything') undecided++;
      if (judgement.same || ++differing > MOST_LISTED) continue;
      if (json) stdout.json(jsonOf(record, judgement));
      else stdout.line(lineOf(record, judgement));
    }
    await stdout.drained();
    if (stdout.gone) return 0;
  }
  if (total === 0) throw nothingIn(sources.join(', '), options.filter);
  if (json) stdout.json({ policy: policy.file, requests: total, differing, undecided, now });
  else {
    if (differing > MOST_LISTED) stdout.line(`… and ${differing - MOST_LISTED} more`);
    stderr.line(`gpuvm: ${summaryOf(policy.file, total, differing, undecided)}`);
  }
  return differing === 0 ? 0 : DIFFERENT;
}

function summaryOf(file: string, total: number, differing: number, undecided: number): string {
  const of = `${total} ${total === 1 ? 'request' : 'requests'}`;
  const without = undecided > 0 ? `; of ${undecided} the capture does not say what a policy said` : '';
  if (differing === 0) return `${file} says of ${of} what was said then${without}`;
  return `${file} says something else of ${differing} of ${of}${without}`;
}

/** `#12 CLK ENABLE NVDEC (83): deny then by "…", allow now by "learned.yaml:4 clocks.NVDEC"` */
function lineOf(record: TransferRecord, { now, expected }: Judgement): string {
  const request = describe(record.mrq, record.tx, tegra234);
  const before = verdictText(record.verdict, expected);
  return printable(
    `#${record.sequence} ${request}: ${before} then by "${record.rule}", ${now.verdict} now by "${now.rule.text}"`,
  );
}

function jsonOf(record: TransferRecord, { now, expected }: Judgement) {
  const { sequence, vm, mrq, tx, verdict, rule } = record;
  return {
    sequence,
    vm,
    mrq,
    tx,
    request: describe(mrq, tx, tegra234),
    before: { verdict, rule, expected },
    now: { verdict: now.verdict, rule: now.rule.text },
  };
}
