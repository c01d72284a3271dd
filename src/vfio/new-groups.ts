import type { HostStep } from '../journal/index.js';
import { checkGroup, checkViable } from './checks/group.js';
import { type BindingPlan, nodeSteps } from './plan.js';
import { readDevice } from './read.js';
import { requireBindable } from './require-bindable.js';

/**
 * What is still to be done for devices that the kernel has put into their groups only now that they are bound. Throws
 * GPUVM_DEVICE where a device has come into no group, or into one that the kernel would not give to a VM.
 */
export function stepsOfNewGroups({ requests, ungrouped, host }: BindingPlan): HostStep[] {
  const { sysroot = '/', account } = host;
  const found = ungrouped.flatMap((request) => {
    const device = readDevice(request.bus, request.name, sysroot);
    return device ? [{ request, device }] : [];
  });
  const groups = new Map(
    found.flatMap(({ request, device: { group } }) => (group === null ? [] : [[group, request] as const])),
  );
  requireBindable({
    findings: [
      ...found.map(({ device }) => checkGroup(device, sysroot)),
      ...[...groups.keys()].map((group) => checkViable(group, requests, sysroot)),
    ],
  });
  return [...groups].flatMap(([group, request]) => nodeSteps(group, request, account));
}
