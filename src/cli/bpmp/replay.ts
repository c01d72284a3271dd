import { loadPolicy } from '../../bpmp/policy/index.js';
import { GpuvmError } from '../../errors.js';
import type { Call } from '../command.js';
import type { Context } from '../context.js';
import { filtered, filterOption } from './filter-option.js';
import { openTransfers } from './source.js';

export async function run(call: Call, context: Context): Promise<number> {
  const { args: sources, options } = call;
  const policy = options.policy === undefined ? undefined : await loadPolicy(String(options.policy));
  if (policy === undefined && options.to === undefined)
    throw new GpuvmError(
      'GPUVM_USAGE',
      'what for? Give --policy FILE to ask a policy, or --to simulated, device or a VM to send the requests again',
    );
  const realTime = realTimeOf(options.speed);
  const batches = filtered(openTransfers(sources, context), await filterOption(options));
  if (options.to === undefined) {
    const { replayPolicy } = await import('./replay/policy.js');
    return replayPolicy(batches, policy!, call, context);
  }
  const { replayTo } = await import('./replay/to.js');
  return replayTo(batches, policy, { realTime }, call, context);
}

function realTimeOf(speed: unknown): boolean {
  if (speed === undefined || speed === 'max') return false;
  if (speed === 'real') return true;
  throw new GpuvmError('GPUVM_USAGE', `--speed is real or max, not ${JSON.stringify(speed)}`);
}
