import { SimulatedBpmp } from '../src/bpmp/backend/index.js';
import { readCapture } from '../src/bpmp/capture/index.js';
import { loadPolicy, TraceLearner } from '../src/bpmp/policy/index.js';
import { ClockTree, Judge } from '../src/bpmp/replay/index.js';
import { tegra234 } from '../src/bpmp/tegra234/index.js';
import { settledMemory } from '../test/support/settled-memory.js';
import { capture } from './million.js';
import type { Suite } from './suite.js';

const RECORDS = 1_000_000;
const MB = 1024 * 1024;

/** A million records are learned from, and a policy is asked about each: how long that takes, beside reading them alone, and how much is kept. */
export async function run(): Promise<Suite> {
  const policy = await loadPolicy(new URL('../examples/policies/gpu.yaml', import.meta.url).pathname);
  const judge = await Judge.of(policy, new SimulatedBpmp());
  const tree = await ClockTree.ask(new SimulatedBpmp(), tegra234);
  const learner = new TraceLearner(tegra234);
  // The first time is the compiler's.
  await timed(() => {});
  const read = await timed(() => {});
  const before = await settledMemory();
  const learned = await timed((record) => learner.add(record));
  const grown = ((await settledMemory()) - before) / MB;
  const started = performance.now();
  const { lines } = learner.learned({ above: (clocks) => tree.above(clocks) });
  const writing = performance.now() - started;
  const judged = await timed((record) => judge.judge(record));
  if (lines === 0) throw new Error('nothing was learned');
  const figure = (label: string, ms: number) => ({
    label,
    p50: ms,
    p99: ms,
    unit: 'ms' as const,
    samples: 1,
  });
  return {
    name: 'study',
    what: `${RECORDS} records, read as they are made`,
    figures: [
      figure('read', read),
      figure('read and learned from', learned),
      figure('read and judged by a policy', judged),
      figure(`the policy of ${lines} lines, worked out`, writing),
    ],
    ratios: [
      { label: 'memory kept by learning from them, MB', value: grown, promise: { atMost: 32 } },
      { label: 'learned from a second', value: (RECORDS / learned) * 1000, promise: { atLeast: 50_000 } },
    ],
  };
}

async function timed(
  each: (record: Parameters<TraceLearner['add']>[0] & Parameters<Judge['judge']>[0]) => void,
) {
  const started = performance.now();
  for await (const batch of readCapture(capture(RECORDS))) for (const record of batch) each(record);
  return performance.now() - started;
}
