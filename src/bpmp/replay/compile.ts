import type { Backend } from '../backend/index.js';
import { parentsOf } from '../mediator/index.js';
import type { CompiledPolicy, CompileOptions, Policy } from '../policy/index.js';

/** The policy as a bridge in front of this BPMP would compile it: with the clocks above those that it grants. */
export async function compileFor(
  policy: Policy,
  backend: Backend,
  options: Pick<CompileOptions, 'named'> = {},
): Promise<CompiledPolicy> {
  const { grantedClocks, chip } = policy.compile();
  const clocks = await parentsOf(grantedClocks, backend, chip.clocks.maxId);
  return policy.compile({ ...options, sharedParents: { clocks } });
}
