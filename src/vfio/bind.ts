import { join } from 'node:path';
import { GpuvmError } from '../errors.js';
import { DeviceLocks, type Journal, lookAtAll, type UndoOptions, type UndoReport } from '../journal/index.js';
import { mayOpen, root, statOf } from './checks/host.js';
import type { DeviceRequest } from './device.js';
import { type BindingPlan, subjectsOf } from './plan.js';

/** Devices that are a VM's for now. */
export interface BoundDevices {
  readonly requests: readonly DeviceRequest[];
  /** Gives them back, the last first, and lets go of their locks. What could not be undone stays in the journal. */
  restore(options?: UndoOptions): Promise<UndoReport>;
  /** Lets go of the locks alone, for whoever hands the journal on. */
  release(): Promise<void>;
}

/**
 * Binds what was planned: all of it, or none. Throws GPUVM_DEVICE with every finding that is in the way, GPUVM_LOCKED
 * where another VM has a device, GPUVM_BIND where the kernel refuses or does not come back; what had been changed is
 * undone by then, and the error says what could not be.
 */
export async function bindDevices(plan: BindingPlan, journal: Journal): Promise<BoundDevices> {
  requireBindable(plan);
  const { folders } = plan.host;
  const locks =
    folders && (await DeviceLocks.acquire(subjectsOf(plan), { folder: folders.locks, vm: journal.vm }));
  const release = async () => locks?.release();
  try {
    lookAtAll(plan.steps, plan.host.sysroot ?? '/');
    for (const step of plan.steps) {
      if (step.kind === 'owner' && isOpen(plan, step.path)) continue;
      await journal.perform(step);
    }
    await journal.markActive();
  } catch (error) {
    const subjects = [...new Set(plan.steps.flatMap(({ subject }) => subject ?? []))];
    const report = await journal.undo({ subjects });
    await release();
    throw explain(error, report);
  }
  return {
    requests: plan.requests,
    release,
    async restore(options) {
      try {
        return await journal.undo(options);
      } finally {
        await release();
      }
    },
  };
}

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

/** A udev rule may have given the node to the account already. */
function isOpen({ host: { sysroot = '/', account = root } }: BindingPlan, path: string): boolean {
  const stats = statOf(join(sysroot, path));
  return stats !== undefined && mayOpen(account, stats);
}

function explain(error: unknown, report: UndoReport): unknown {
  if (!GpuvmError.is(error)) return error;
  const failed = report.steps.filter(({ outcome }) => outcome === 'failed');
  const end = report.ok
    ? 'what had been changed was put back'
    : `and not put back: ${failed.map(({ what, why }) => `${what} (${why})`).join(', ')}; run gpuvm recover`;
  return new GpuvmError(error.code, `${error.message}; ${end}`, {
    cause: error,
    details: { ...error.details, undo: report },
  });
}
