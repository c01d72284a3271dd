import { join } from 'node:path';
import { GpuvmError } from '../errors.js';
import {
  DeviceLocks,
  type HostStep,
  type Journal,
  lookAtAll,
  type UndoOptions,
  type UndoReport,
} from '../journal/index.js';
import { mayOpen, statOf } from './checks/host.js';
import type { DeviceRequest } from './device.js';
import { accountOf } from './host.js';
import { stepsOfNewGroups } from './new-groups.js';
import { type BindingPlan, subjectsOf } from './plan.js';
import { requireBindable } from './require-bindable.js';

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
  const made: HostStep[] = [];
  const perform = async (steps: readonly HostStep[]) => {
    for (const step of steps) {
      if (step.kind === 'owner' && isOpen(plan, step.path)) continue;
      made.push(step);
      await journal.perform(step);
    }
  };
  try {
    lookAtAll(plan.steps, plan.host.sysroot ?? '/');
    await perform(plan.steps);
    await perform(stepsOfNewGroups(plan));
    await journal.markActive();
  } catch (error) {
    const subjects = [...new Set(made.flatMap(({ subject }) => subject ?? []))];
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

/** A udev rule may have given the node to the account already. */
function isOpen({ host }: BindingPlan, path: string): boolean {
  const { sysroot = '/' } = host;
  const stats = statOf(join(sysroot, path));
  return stats !== undefined && mayOpen(accountOf(host), stats);
}

function explain(error: unknown, report: UndoReport): unknown {
  if (!GpuvmError.is(error)) return error;
  const failed = report.steps.filter(({ outcome }) => outcome === 'failed');
  const isHung = error.details.hung === true;
  // Of one that hangs the message says why already.
  const left = failed.map(({ what, why }) => (isHung ? what : `${what} (${why})`)).join(', ');
  const end = report.ok
    ? 'what had been changed was put back'
    : `and not put back: ${left}; run gpuvm recover${isHung ? ' once its driver has let go, or reboot' : ''}`;
  return new GpuvmError(error.code, `${error.message}; ${end}`, {
    cause: error,
    details: { ...error.details, undo: report },
  });
}
