import type { Question, Reply } from '../../../bpmp/inspect/index.js';
import { tegra234 } from '../../../bpmp/tegra234/index.js';
import { describe, errorName } from '../../../bpmp/wire/index.js';
import { GpuvmError } from '../../../errors.js';
import type { Where } from './where.js';

/** Makes a change. Throws GPUVM_INSPECT where the firmware refuses it, or the VM's policy does not forward it. */
export async function change(where: Where, question: Question): Promise<void> {
  const [reply] = await where.transfer([question]);
  const { ret, verdict, rule } = reply as Reply & { readonly verdict?: string; readonly rule?: string };
  const what = describe(question.mrq, question.tx, tegra234);
  if (verdict !== undefined && verdict !== 'allow')
    throw new GpuvmError(
      'GPUVM_POLICY',
      `${what}: ${verdict} by ${where.vm!.name}'s policy (${rule}): nothing was changed; gpuvm bpmp explain says what would`,
    );
  if (ret >= 0) return;
  throw new GpuvmError(
    'GPUVM_INSPECT',
    `${what}: the firmware answered ${ret} (${errorName(ret) ?? 'no name'})`,
  );
}
