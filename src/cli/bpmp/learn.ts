import { writeFile } from 'node:fs/promises';
import { SimulatedBpmp } from '../../bpmp/backend/index.js';
import { type Learned, loadPolicy, type Policy, TraceLearner, unifiedDiff } from '../../bpmp/policy/index.js';
import { ClockTree } from '../../bpmp/replay/index.js';
import { tegra234 } from '../../bpmp/tegra234/index.js';
import { GpuvmError } from '../../errors.js';
import type { Call } from '../command.js';
import type { Context } from '../context.js';
import { filtered, filterOption } from './filter-option.js';
import { deviceNames, readHostUsers } from './host-users.js';
import { openTransfers } from './source.js';

/** What `--diff` ends with where the policies differ, as diff does. */
const DIFFERENT = 1;

export async function run({ args: sources, options }: Call, context: Context): Promise<number> {
  const { stdout, stderr, json } = context;
  const present = options.policy === undefined ? undefined : await loadPolicy(String(options.policy));
  if (options.diff === true && present === undefined)
    throw new GpuvmError('GPUVM_USAGE', '--diff compares with a policy: give it with --policy FILE');
  const passes = await filterOption(options);
  const users = options.hostTree === undefined ? undefined : await readHostUsers(String(options.hostTree));
  const learner = new TraceLearner(tegra234, { includeDenied: options.includeDenied === true });
  for await (const batch of filtered(openTransfers(sources, context), passes))
    for (const record of batch) learner.add(record);
  const source = sources.join(', ');
  if (learner.totals.transfers === 0) throw nothingIn(source, options.filter);
  const tree = await ClockTree.ask(new SimulatedBpmp(), tegra234);
  const learned = writtenBy(learner, present, {
    above: (clocks: readonly number[]) => tree.above(clocks),
    source,
    ...(users && { deviceOf: deviceNames(users) }),
  });
  const file = options.output === undefined ? undefined : String(options.output);
  const diff =
    options.diff === true
      ? unifiedDiff(present!.text, learned.text, { before: present!.file, after: file ?? 'learned' })
      : undefined;
  if (file !== undefined) await write(file, learned.text);
  if (json) stdout.json(jsonOf(learned, diff));
  else if (diff !== undefined) stdout.write(diff);
  else if (file === undefined) stdout.write(learned.text);
  say(learned, file, present !== undefined, (line) => stderr.line(`gpuvm: ${line}`));
  return diff === undefined || diff === '' ? 0 : DIFFERENT;
}

function writtenBy(
  learner: TraceLearner,
  present: Policy | undefined,
  options: Parameters<TraceLearner['learned']>[0],
): Learned {
  return present === undefined ? learner.learned(options) : present.learnedFrom(learner, options);
}

/** What is not in the policy's text, or not seen where that goes to a file. */
function say(
  { notes, lines, totals }: Learned,
  file: string | undefined,
  isRevised: boolean,
  line: (text: string) => void,
): void {
  if (file !== undefined)
    line(`${file}: ${lines} lines for ${totals.transfers} requests; read it before you use it`);
  if (isRevised || file !== undefined) for (const note of notes) line(`not learned: ${note}`);
  if (totals.denied > 0)
    line(
      `${totals.denied} requests were denied by a policy that was enforced: --include-denied learns them too`,
    );
}

function jsonOf({ text, lines, notes, totals }: Learned, diff: string | undefined) {
  const { firstNs, lastNs, vms, ...counts } = totals;
  return {
    policy: text,
    ...(diff !== undefined && { diff }),
    lines,
    notes,
    ...counts,
    firstNs: firstNs ?? null,
    lastNs: lastNs ?? null,
    vms: [...vms],
  };
}

async function write(file: string, text: string): Promise<void> {
  try {
    await writeFile(file, text);
  } catch (cause) {
    const code = (cause as NodeJS.ErrnoException).code ?? 'error';
    throw new GpuvmError('GPUVM_FILE', `the policy cannot be written to ${file}: ${code}`, { cause });
  }
}

export function nothingIn(source: string, filter: unknown): GpuvmError {
  const what = filter === undefined ? 'has no transfer' : `has no transfer that ${String(filter)} is true of`;
  return new GpuvmError('GPUVM_INPUT', `${source || 'what was read'} ${what}`);
}
