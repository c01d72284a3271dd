import type { Finding } from '../finding.js';
import type { HostStep } from '../journal/index.js';
import { checkDevices } from './checks/index.js';
import { type DeviceRequest, subjectOf } from './device.js';
import type { Account, VfioHost } from './host.js';
import type { Quirk } from './quirks.js';
import { readDevice } from './read.js';
import { bindingSteps } from './steps.js';

/** What binding would do, before it does any of it. */
export interface BindingPlan {
  readonly requests: readonly DeviceRequest[];
  readonly host: VfioHost;
  /** All that was found; a `fail` among them keeps `bindDevices` from beginning. */
  readonly findings: readonly Finding[];
  /** In order, each with its undo. Devices that are not there have none. */
  readonly steps: readonly HostStep[];
  /** Devices whose group is not known before they are bound. */
  readonly ungrouped: readonly DeviceRequest[];
}

/** Checks everything and says every change that would be made. Reads only. */
export async function planBinding(
  requests: readonly DeviceRequest[],
  host: VfioHost = {},
  table?: readonly Quirk[],
): Promise<BindingPlan> {
  const { sysroot = '/', account } = host;
  const devices = requests.flatMap((request) => {
    const device = readDevice(request.bus, request.name, sysroot);
    return device ? [{ request, device }] : [];
  });
  const groups = new Map<string, DeviceRequest>();
  for (const { request, device } of devices)
    if (device.group !== null && !groups.has(device.group)) groups.set(device.group, request);
  const findings = await checkDevices(requests, host, table);
  // Of these nothing more may be read.
  const isHung = (name: string) => findings.some(({ id }) => id === `vfio.hung/${name}`);
  const steps = devices
    .filter(({ device }) => !isHung(device.name))
    .flatMap(({ request, device }) => bindingSteps(device, request, sysroot, table));
  const nodes = [...groups].flatMap(([group, request]) => nodeSteps(group, request, account));
  return {
    requests,
    host,
    findings,
    steps: [...steps, ...nodes],
    ungrouped: devices.filter(({ device }) => device.group === null).map(({ request }) => request),
  };
}

/** An account of QEMU's own gets the group for as long as it is bound; who runs QEMU as himself has to have it. */
export function nodeSteps(
  group: string,
  { restore = 'previous' }: DeviceRequest,
  account: Account | undefined,
): HostStep[] {
  if (account === undefined || account.uid === 0) return [];
  const { name, uid } = account;
  return [
    {
      id: `node/${group}`,
      kind: 'owner',
      subject: `node/${group}`,
      what: `let ${name} open /dev/vfio/${group}`,
      path: `/dev/vfio/${group}`,
      uid,
      mode: 0o600,
      ...(restore === 'leave' ? { restore } : {}),
    },
  ];
}

/** What locks are taken for. */
export function subjectsOf({ requests }: BindingPlan): string[] {
  return requests.map(subjectOf);
}
