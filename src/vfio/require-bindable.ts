import { GpuvmError } from '../errors.js';
import type { BindingPlan } from './plan.js';

/** Throws GPUVM_DEVICE with every finding that is in the way, where there is one. */
export function requireBindable({ findings }: Pick<BindingPlan, 'findings'>): void {
  const failed = findings.filter(({ status }) => status === 'fail');
  if (failed.length === 0) return;
  const mistakes = failed.map(({ what, fix }) => (fix === undefined ? what : `${what}; ${fix}`));
  throw new GpuvmError(
    'GPUVM_DEVICE',
    failed.length === 1 ? mistakes[0]! : `${failed.length} things are in the way: ${mistakes.join('; ')}`,
    { details: { mistakes, findings: failed } },
  );
}
