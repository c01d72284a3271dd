import * as z from 'zod';
import { GpuvmError } from '../../errors.js';
import { identityOf } from '../../journal/index.js';

/** Of the state below; a gpuvm of another version does not take the VM over. */
export const HAND_OVER_VERSION = 1;

/**
 * What a supervisor passes on about a VM that runs on, beside the descriptors. What a supervisor that is killed cannot
 * pass on any more (where its monitor and its bridge stood) is absent, and is found out anew.
 */
const schema = z.object({
  version: z.literal(HAND_OVER_VERSION),
  vm: z.string(),
  /** QEMU: its pid and start time, which together are nobody else's. */
  pid: z.int().positive(),
  startTime: z.int().nonnegative(),
  /** The folder of its sockets. */
  folder: z.string().min(1),
  /** When QEMU was started, in ms since the epoch. */
  startedMs: z.number(),
  /** As `QmpClient.detach` and `BridgeHandle.handOver` gave them. */
  qmp: z.unknown().optional(),
  bridge: z.unknown().optional(),
  /** What QEMU's events have told so far: its end may have begun. */
  seen: z.record(z.string(), z.unknown()).optional(),
  /** The supervisor's own. */
  supervisor: z
    .object({
      restarts: z.int().nonnegative(),
      /** The journal of the host's devices, where there are any, and their names. */
      journal: z.string().optional(),
      devices: z.array(z.string()),
    })
    .optional(),
});

export type HandOverState = z.output<typeof schema>;

/** The state of a VM as this gpuvm passes it on. */
export function handOverState(vm: Omit<HandOverState, 'version' | 'startTime'>): HandOverState {
  return { version: HAND_OVER_VERSION, startTime: identityOf(vm.pid)?.startTime ?? 0, ...vm };
}

/** Throws GPUVM_HAND_OVER where this is not the state of this VM as this gpuvm knows it. */
export function readHandOverState(value: unknown, vm: string): HandOverState {
  const version = (value as { version?: unknown } | undefined)?.version;
  if (version !== HAND_OVER_VERSION) {
    throw cannot(vm, `its state is of version ${String(version)}, and this gpuvm's is ${HAND_OVER_VERSION}`);
  }
  const parsed = schema.safeParse(value);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    throw cannot(vm, `its state is not whole: ${issue?.path.join('.')}: ${issue?.message}`);
  }
  if (parsed.data.vm !== vm) throw cannot(vm, `the state is that of ${parsed.data.vm}`);
  return parsed.data;
}

export function cannot(vm: string, why: string): GpuvmError {
  return new GpuvmError('GPUVM_HAND_OVER', `the running ${vm} cannot be taken over: ${why}`);
}
