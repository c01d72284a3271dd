import type { TransferRecord } from '../../../bpmp/capture/index.js';
import type { Policy } from '../../../bpmp/policy/index.js';
import { type Replayed, type ReplyDifference, replay } from '../../../bpmp/replay/index.js';
import { tegra234 } from '../../../bpmp/tegra234/index.js';
import { describe } from '../../../bpmp/wire/index.js';
import type { Call } from '../../command.js';
import type { Context } from '../../context.js';
import { printable } from '../../printable.js';
import { nothingIn } from '../learn.js';
import { mayDiffer } from './may-differ.js';
import { DIFFERENT, MOST_LISTED } from './policy.js';
import { targetFor } from './where.js';

/** Sends everything that was recorded again, and says where it is answered otherwise. */
export async function replayTo(
  batches: AsyncIterable<readonly TransferRecord[]>,
  policy: Policy | undefined,
  { realTime }: { readonly realTime: boolean },
  { args: sources, options }: Call,
  { stdout, stderr, json }: Context,
): Promise<number> {
  const differs = mayDiffer((options.ignore as readonly string[] | undefined) ?? []);
  const target = await targetFor(String(options.to), policy, options.force === true);
  const count = new Tally();
  try {
    const replayed = replay(batches, target, { chip: tegra234, mayDiffer: differs, realTime });
    for await (const each of replayed) {
      count.add(each);
      if (each.differences.length === 0 || count.differing > MOST_LISTED) continue;
      if (json) stdout.json(jsonOf(each));
      else for (const line of linesOf(each)) stdout.line(printable(line));
      if (stdout.gone) return 0;
    }
  } finally {
    const end = await target.end();
    if (end !== undefined) stderr.line(`gpuvm: ${target.name}: ${end}`);
  }
  if (count.total === 0) throw nothingIn(sources.join(', '), options.filter);
  if (json) stdout.json(count.json(target.name));
  else {
    if (count.differing > MOST_LISTED) stdout.line(`… and ${count.differing - MOST_LISTED} more`);
    for (const line of count.lines(target.name)) stderr.line(`gpuvm: ${line}`);
  }
  return count.differing === 0 ? 0 : DIFFERENT;
}

/** What became of all of them. */
class Tally {
  total = 0;
  same = 0;
  differing = 0;
  /** By reason. */
  readonly #unsent = new Map<string, number>();
  /** Answers that differ in nothing but fields that may; by field. */
  readonly #apart = new Map<string, number>();

  add({ unsent, differences, apart }: Replayed): void {
    this.total++;
    if (unsent !== undefined) this.#unsent.set(unsent, (this.#unsent.get(unsent) ?? 0) + 1);
    else if (differences.length > 0) this.differing++;
    else this.same++;
    for (const { field } of apart) this.#apart.set(field, (this.#apart.get(field) ?? 0) + 1);
  }

  lines(name: string): string[] {
    const sent = this.same + this.differing;
    const answers = `${sent} of ${this.total} requests sent to ${name}: ${this.same} answered as then, ${this.differing} otherwise`;
    return [
      answers,
      ...[...this.#unsent].map(([why, count]) => `${count} not sent: ${why}`),
      ...[...this.#apart].map(([field, count]) => `${count} differ in ${field}, which may`),
    ];
  }

  json(to: string) {
    return {
      to,
      requests: this.total,
      same: this.same,
      differing: this.differing,
      unsent: Object.fromEntries(this.#unsent),
      apart: Object.fromEntries(this.#apart),
    };
  }
}

/** `#12 CLK SET_RATE GPC0CLK 1.3 GHz: bpmp.clk.reply.rate was 1300000000, is 1200000000` */
function linesOf({ record, differences, answer }: Replayed): string[] {
  const request = `#${record.sequence} ${describe(record.mrq, record.tx, tegra234)}`;
  const by = (field: string) =>
    field === 'bpmp.verdict' && answer?.rule !== undefined ? ` by "${answer.rule}"` : '';
  return differences.map(
    ({ field, before, now }: ReplyDifference) => `${request}: ${field} was ${before}, is ${now}${by(field)}`,
  );
}

function jsonOf({ record, differences, apart, answer }: Replayed) {
  const { sequence, vm, mrq, tx, ret, rx, verdict, rule } = record;
  return {
    sequence,
    vm,
    mrq,
    tx,
    request: describe(mrq, tx, tegra234),
    before: { verdict, rule, ret, rx },
    now: answer,
    differences,
    apart,
  };
}
