import { type CompiledPolicy, loadPolicy } from '../bpmp/policy/index.js';
import type { ResourceTable } from '../bpmp/wire/index.js';
import { formatPlace } from '../errors.js';
import type { Call } from './command.js';
import type { Context } from './context.js';

export async function run({ args: [file] }: Call, { stdout, stderr, json }: Context): Promise<number> {
  const policy = (await loadPolicy(file!)).compile();
  const { view, mode, shared, limit, warnings, chip } = policy;
  const granted = grantsOf(policy);
  if (json) {
    stdout.json({
      ok: true,
      file,
      chip: chip.chip,
      view,
      mode,
      shared,
      limit: limit ?? null,
      granted,
      warnings,
    });
    return 0;
  }
  for (const { place, message } of warnings) stderr.line(`gpuvm: warning: ${formatPlace(place)}: ${message}`);
  const rate = limit ? `, at most ${limit.perSecond} requests a second` : '';
  stdout.line(`${file}: ok`);
  stdout.line(`  ${chip.chip}, mode ${mode}, view ${view}, changes to shared resources: ${shared}${rate}`);
  for (const [kind, names] of Object.entries(granted))
    stdout.line(`  ${kind}: ${names.join(', ') || 'none'}`);
  return 0;
}

/** What the guest has any right to, by name. */
function grantsOf(policy: CompiledPolicy): Record<string, string[]> {
  const { chip, grantedClocks, grantedResets, grantedPowerDomains } = policy;
  const named = (table: ResourceTable, ids: readonly number[]) =>
    ids.map((id) => table.nameOf(id) ?? String(id));
  return {
    clocks: named(chip.clocks, grantedClocks),
    resets: named(chip.resets, grantedResets),
    'power domains': named(chip.powerDomains, grantedPowerDomains),
  };
}
