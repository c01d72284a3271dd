import { Journal } from '../../journal/index.js';
import { bindDevices, busOf, type DeviceRequest, planBinding, requireBindable } from '../../vfio/index.js';
import type { Call } from '../command.js';
import type { Context } from '../context.js';
import { placeOf } from './place.js';

/** What the journal of devices that were bound by hand is called, in place of a VM. */
export const BY_HAND = 'devices';

const PCI = /^([0-9a-f]{4}:)?[0-9a-f]{2}:[0-9a-f]{2}\.[0-7]$/i;

export async function run(call: Call, { stdout, stderr, json }: Context): Promise<number> {
  const { sysroot, folders } = placeOf(call);
  const requests = [...new Set(call.args)].map((name): DeviceRequest => {
    const bus = busOf(name, sysroot) ?? (PCI.test(name) ? 'pci' : 'platform');
    return { bus, name };
  });
  const plan = await planBinding(requests, { sysroot, folders });
  requireBindable(plan);
  for (const { status, what } of plan.findings) if (status === 'warn') stderr.line(`gpuvm: warning: ${what}`);
  const journal = await Journal.open({ folder: folders.journal, vm: BY_HAND, sysroot });
  try {
    const devices = await bindDevices(plan, journal);
    await journal.keep('bound by gpuvm devices bind');
    await devices.release();
  } finally {
    await journal.close();
  }
  if (json) stdout.json({ bound: requests, steps: plan.steps, findings: plan.findings });
  else if (plan.steps.length === 0) stdout.line('nothing to do: all of them are with VFIO');
  else for (const { what } of plan.steps) stdout.line(what);
  return 0;
}
