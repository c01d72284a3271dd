import { loadPolicy, summaryLines, summaryOf } from '../bpmp/policy/index.js';
import { formatPlace } from '../errors.js';
import type { Call } from './command.js';
import type { Context } from './context.js';

export async function run({ args: [file] }: Call, { stdout, stderr, json }: Context): Promise<number> {
  const policy = (await loadPolicy(file!)).compile();
  const { warnings } = policy;
  const summary = summaryOf(policy);
  if (json) {
    stdout.json({ ok: true, file, ...summary, warnings });
    return 0;
  }
  for (const { place, message } of warnings) stderr.line(`gpuvm: warning: ${formatPlace(place)}: ${message}`);
  stdout.line(`${file}: ok`);
  for (const line of summaryLines(summary)) stdout.line(`  ${line}`);
  return 0;
}
