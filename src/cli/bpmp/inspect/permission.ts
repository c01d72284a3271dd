import { readFile } from 'node:fs/promises';
import type { Question } from '../../../bpmp/inspect/index.js';
import { parentsOf } from '../../../bpmp/mediator/index.js';
import { type CompiledPolicy, parsePolicy } from '../../../bpmp/policy/index.js';
import { sharedRootClocks, tegra234 } from '../../../bpmp/tegra234/index.js';
import { classify, describe, newShape } from '../../../bpmp/wire/index.js';
import { GpuvmError } from '../../../errors.js';
import type { Call } from '../../command.js';
import type { Where } from './where.js';

type Kind = 'clock' | 'reset' | 'powerDomain';

/**
 * Whether a change may be made. Throws GPUVM_USAGE without --force, or without a policy whose leave it could have;
 * GPUVM_POLICY where the policy refuses it, with the line that would not; and where the host shares it and --shared is not there.
 */
export async function requireLeave(
  question: Question,
  kind: Kind,
  where: Where,
  { options }: Call,
): Promise<void> {
  const what = describe(question.mrq, question.tx, tegra234);
  if (options.force !== true)
    throw new GpuvmError(
      'GPUVM_USAGE',
      `${what} changes the state of ${where.name}: say --force if that is meant`,
    );
  if (where.vm !== undefined) {
    if (options.policy !== undefined)
      throw new GpuvmError(
        'GPUVM_USAGE',
        `${where.vm.name} has a policy of its own, which decides: leave out --policy`,
      );
    return;
  }
  if (options.policy === undefined)
    throw new GpuvmError('GPUVM_USAGE', `${what} needs a policy's leave: give --policy FILE`);
  const policy = await compile(String(options.policy), where);
  const { decision, rule, fix } = policy.explain(question.mrq, question.tx);
  const shape = classify(question.mrq, question.tx, newShape());
  const isRoot = kind === 'clock' && sharedRootClocks.includes(shape.id);
  const isShared = policy.isShared(kind, shape.id) || isRoot;
  if (isShared && options.shared !== true)
    throw new GpuvmError(
      'GPUVM_POLICY',
      `${what}: others on the host use it too (${isRoot ? 'a root of the clock tree' : rule}): say --shared if it is to be changed all the same`,
    );
  if (decision.verdict === 'allow' || (decision.verdict === 'absorb' && isShared)) return;
  const hint = fix === undefined ? 'no line can allow it' : `to allow it, set ${fix}`;
  throw new GpuvmError('GPUVM_POLICY', `${what} is refused by ${rule}; ${hint}`);
}

async function compile(file: string, { transfer }: Where): Promise<CompiledPolicy> {
  const text = await readFile(file, 'utf8').catch((cause: Error) => {
    throw new GpuvmError('GPUVM_FILE', `${file} cannot be read: ${cause.message}`, { cause });
  });
  const policy = parsePolicy(text, { file });
  const { grantedClocks, chip } = policy.compile();
  // The clocks above those that it grants are shared by whoever hangs on them, as a bridge would have it.
  const backend = {
    name: 'asked',
    transfer: async (mrq: number, tx: Uint8Array, rx: Uint8Array) => {
      const [reply] = await transfer([{ mrq, tx }]);
      const bytes = reply!.rx.subarray(0, rx.length);
      rx.set(bytes);
      return { ret: reply!.ret, rxSize: bytes.length };
    },
    close: () => {},
  };
  const clocks = await parentsOf(grantedClocks, backend, chip.clocks.maxId);
  return policy.compile({ sharedParents: { clocks } });
}
