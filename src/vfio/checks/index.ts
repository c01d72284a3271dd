import type { Finding } from '../../finding.js';
import type { Holder } from '../../journal/index.js';
import { buses } from '../bus.js';
import type { DeviceRequest } from '../device.js';
import { accountOf, type VfioHost } from '../host.js';
import { type Quirk, quirksOf } from '../quirks.js';
import { type HostDevice, isVfioDriver, readDevice } from '../read.js';
import { targetDriver } from '../target.js';
import { checkClaims } from './claims.js';
import { checkDriver, checkPresent, checkVfioDriver, mayBind } from './device.js';
import { checkGroup, checkViable } from './group.js';
import { checkContainer, checkGroupNode, checkIommu, checkMemlock } from './host.js';
import { checkHung } from './hung.js';
import { checkConsumers, checkHolders, holdersOfDevices } from './use.js';

/**
 * Everything that can be known before a device is bound, all of it at once: one who mends one thing after another must
 * not learn of the next only then. Reads only.
 */
export async function checkDevices(
  requests: readonly DeviceRequest[],
  host: VfioHost = {},
  table?: readonly Quirk[],
): Promise<Finding[]> {
  const { sysroot = '/' } = host;
  const account = accountOf(host);
  if (requests.length === 0) return [];
  const found = requests.map((request) => ({
    request,
    device: readDevice(request.bus, request.name, sysroot),
  }));
  const devices = found.flatMap(({ request, device }) => (device ? [{ request, device }] : []));
  const groups = [...new Set(devices.flatMap(({ device }) => device.group ?? []))];
  const drivers = new Map(
    devices.map(({ request, device }) => [targetDriver(device, request, sysroot, table), device.bus]),
  );
  if (drivers.size === 0) for (const { bus } of requests) drivers.set(buses[bus].driver, bus);
  // Who may not bind is told to be root, whom the limit does not hold.
  const isBarred = devices.some(({ device }) => !isVfioDriver(device.driver) && !mayBind(device, sysroot));
  const memlock = isBarred ? undefined : checkMemlock(host, sysroot);
  const hung = await checkHung(
    devices.map(({ device }) => device),
    sysroot,
  );
  const holders = holdersOfDevices(
    devices.map(({ device }) => device),
    sysroot,
    table,
  );
  return [
    checkIommu(sysroot),
    checkContainer(account, sysroot),
    ...(memlock ? [memlock] : []),
    ...[...drivers].map(([driver, bus]) => checkVfioDriver(bus, driver, sysroot)),
    ...requests.flatMap((request, at) =>
      ofDevice(request, found[at]!.device, { requests, sysroot, table, holders }),
    ),
    ...hung,
    ...groups.flatMap((group) => [checkViable(group, requests, sysroot), checkGroupNode(group, host)]),
    ...(host.folders ? checkClaims(requests, host.folders, sysroot) : []),
  ];
}

interface Around {
  readonly requests: readonly DeviceRequest[];
  readonly sysroot: string;
  readonly table: readonly Quirk[] | undefined;
  readonly holders: ReadonlyMap<HostDevice, Holder[]>;
}

function ofDevice(
  request: DeviceRequest,
  device: HostDevice | undefined,
  { requests, sysroot, table, holders }: Around,
): Finding[] {
  const present = checkPresent(request, sysroot);
  if (!device) return [present];
  const bus = buses[device.bus];
  const { matched } = quirksOf(device, bus.identify(device, sysroot), table);
  const consumers = checkConsumers(device, requests, sysroot);
  return [
    present,
    checkGroup(device, sysroot),
    checkDriver(device, sysroot),
    bus.checkReset(device, request, { sysroot }),
    checkHolders(device, holders.get(device) ?? [], sysroot),
    ...(consumers ? [consumers] : []),
    ...matched
      .filter((quirk) => quirk.neverRebind)
      .map(
        ({ reason }): Finding => ({
          id: `vfio.quirk/${device.name}`,
          device: device.name,
          status: 'warn',
          what: `${device.name} stays with VFIO until the next boot: ${reason}`,
          evidence: `${device.path}/driver: ${device.driver}`,
          fix: `keep the driver off it from the boot on: echo "blacklist ${device.driver}" > /etc/modprobe.d/gpuvm-${device.driver}.conf`,
        }),
      ),
  ];
}
