import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { VmConfig } from '../../config/index.js';
import type { HostStep } from '../../journal/index.js';
import {
  type Account,
  type DeviceRequest,
  deviceRequests,
  planBinding,
  subjectOf,
} from '../../vfio/index.js';
import { pinnedBytes } from '../deadlines.js';
import { deviceAt, type PlanFinding } from './finding.js';

/** What a run changes on its host, and what stands in the way of it. */
export interface HostChanges {
  readonly steps: readonly HostStep[];
  readonly findings: readonly PlanFinding[];
}

/**
 * The writes that give the VM's devices to VFIO. Where the sysroot has none of them it is not the host that the VM is for:
 * then these are the writes that a host needs whose devices have no driver.
 */
export async function planHostChanges(
  config: VmConfig,
  sysroot: string,
  account?: Account,
): Promise<HostChanges> {
  const requests = deviceRequests(config);
  if (requests.length === 0) return { steps: [], findings: [] };
  const isHere = ({ bus, name }: DeviceRequest) => existsSync(join(sysroot, 'sys/bus', bus, 'devices', name));
  if (!requests.some(isHere)) return elsewhere(requests);
  const guestBytes = pinnedBytes(config);
  const plan = await planBinding(requests, {
    sysroot,
    memory: { guestBytes },
    ...(account && { account }),
  });
  const findings = plan.findings.map((finding): PlanFinding => {
    const at = atOf(config, finding.device);
    const named = finding.device && at?.[0] === 'platformDevices' ? `${deviceAt(at[1] as number)}: ` : '';
    return { ...finding, what: `${named}${finding.what}`, about: 'host', ...(at && { at }) };
  });
  return { steps: plan.steps, findings };
}

function atOf({ platformDevices, pciDevices }: VmConfig, device: string | undefined) {
  for (const [key, list] of Object.entries({ platformDevices, pciDevices })) {
    const index = list.findIndex(({ host }) => host === device);
    if (index >= 0) return [key, index] as const;
  }
  return undefined;
}

function elsewhere(requests: readonly DeviceRequest[]): HostChanges {
  const count = requests.length === 1 ? 'the device' : `any of the ${requests.length} devices`;
  const finding: PlanFinding = {
    id: 'plan.host',
    status: 'warn',
    what: `this machine has not ${count}: the changes are those of a host where they have no driver`,
    evidence: `${requests[0]!.name} is not in /sys/bus/${requests[0]!.bus}/devices`,
    about: 'host',
  };
  return { steps: requests.flatMap(expectedSteps), findings: [finding] };
}

function expectedSteps(request: DeviceRequest): HostStep[] {
  const { bus, name, driver = `vfio-${bus}`, restore } = request;
  const folder = `/sys/bus/${bus}/devices/${name}`;
  const common = {
    kind: 'write' as const,
    subject: subjectOf(request),
    ...(restore === 'leave' ? { restore } : {}),
  };
  const override = `${folder}/driver_override`;
  return [
    {
      ...common,
      id: `${bus}/${name}/override`,
      what: `mean ${name} for ${driver} alone`,
      path: override,
      value: driver,
      undo: { path: override, value: '\n' },
    },
    {
      ...common,
      id: `${bus}/${name}/bind`,
      what: `bind ${name} to ${driver}`,
      path: `/sys/bus/${bus}/drivers_probe`,
      value: name,
      undo: { path: `/sys/bus/${bus}/drivers/${driver}/unbind`, value: name },
    },
  ];
}
