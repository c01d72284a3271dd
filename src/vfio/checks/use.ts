import { basename, join } from 'node:path';
import type { Finding } from '../../finding.js';
import { type Holder, holdersOf, holdersOfSomeDevice, nodesBelow } from '../../journal/index.js';
import { buses } from '../bus.js';
import type { DeviceRequest } from '../device.js';
import { type Quirk, quirksOf } from '../quirks.js';
import { type HostDevice, isVfioDriver, linkName, moduleOf, names } from '../read.js';

/** Who uses the device now: processes with its files or its group open, and the modules that hang on its driver. */
export function checkHolders(device: HostDevice, holders: readonly Holder[], sysroot: string): Finding {
  const { bus, name, driver } = device;
  const about = { id: `vfio.holders/${name}`, device: name };
  const module = driver === null ? undefined : moduleOf(bus, driver, sysroot);
  const users = module === undefined ? [] : names(join(sysroot, '/sys/module', module, 'holders'));
  const evidence = [
    ...holders.map(({ pid, name: who, path }) => `${who} (process ${pid}): ${path}`),
    ...(module === undefined
      ? []
      : [`module ${module}${users.length ? `, used by ${users.join(', ')}` : ''}`]),
  ].join('; ');
  if (holders.length > 0) {
    const pids = [...new Set(holders.map(({ pid }) => pid))];
    const who = [...new Set(holders.map((holder) => `${holder.name} (process ${holder.pid})`))].join(', ');
    return {
      ...about,
      status: 'fail',
      what: `${name} is in use by ${who}`,
      evidence,
      fix: `end it first: kill ${pids.join(' ')}, or the service that starts it: systemctl status ${pids[0]}`,
    };
  }
  const suspects = isVfioDriver(driver) ? holdersOfSomeDevice(sysroot) : [];
  if (suspects.length > 0) {
    const who = suspects.map((one) => `${one.name} (process ${one.pid})`).join(', ');
    return {
      ...about,
      status: 'warn',
      what: `${who} has a VFIO device open, maybe ${name}: the kernel does not say which`,
      evidence: suspects.map(({ pid, path }) => `/proc/${pid}/fd: ${path}`).join('; '),
      fix: `end it where it is not wanted: kill ${[...new Set(suspects.map(({ pid }) => pid))].join(' ')}`,
    };
  }
  if (users.length > 0 && !isVfioDriver(driver))
    return {
      ...about,
      status: 'warn',
      what: `the driver of ${name} is used by the modules ${users.join(', ')}`,
      evidence,
      fix: `unload them first: modprobe -r ${users.join(' ')}; for good: echo "blacklist ${users[0]}" > /etc/modprobe.d/gpuvm.conf`,
    };
  return {
    ...about,
    status: 'ok',
    what: `nobody has ${name} open`,
    evidence: evidence || 'no file of it is open',
  };
}

/**
 * Devices that need this one: the kernel takes them off their drivers with it, and nothing gives them back. Undefined
 * where there are none.
 */
export function checkConsumers(
  device: HostDevice,
  requests: readonly DeviceRequest[],
  sysroot: string,
): Finding | undefined {
  const { name, path, driver } = device;
  if (driver === null || isVfioDriver(driver)) return undefined;
  const bound = names(join(sysroot, path))
    .map((entry) => /^consumer:(\w+):(.+)$/.exec(entry))
    .flatMap((match) => (match ? [{ bus: match[1]!, name: match[2]! }] : []))
    .map((consumer) => ({
      ...consumer,
      driver: linkName(join(sysroot, `/sys/bus/${consumer.bus}/devices`, consumer.name, 'driver')),
    }))
    .filter((one) => one.driver !== null)
    .filter((one) => !requests.some((request) => request.bus === one.bus && request.name === one.name));
  if (bound.length === 0) return undefined;
  const list = bound.map((one) => `${one.name} (${one.driver})`).join(', ');
  const { bus, name: first, driver: of } = bound[0]!;
  return {
    id: `vfio.consumers/${name}`,
    device: name,
    status: 'warn',
    what: `with ${name} the kernel also takes ${list} off the driver, and gives nothing back`,
    evidence: `${path}/consumer:…`,
    fix: `give it to the VM too, or take it off first: echo ${first} > /sys/bus/${bus}/drivers/${of}/unbind`,
  };
}

/**
 * For each device the processes that have its group, or one of the nodes that its driver made, open. All devices at
 * once, because looking through all processes takes longer than all other checks together.
 */
export function holdersOfDevices(
  devices: readonly HostDevice[],
  sysroot: string,
  table?: readonly Quirk[],
): Map<HostDevice, Holder[]> {
  const wanted = devices.map((device) => {
    const { matched } = quirksOf(device, buses[device.bus].identify(device, sysroot), table);
    const nodes = matched.find((quirk) => quirk.nodes)?.nodes;
    const own = new Set(nodesBelow(device.path, sysroot));
    if (device.group !== null) own.add(`/dev/vfio/${device.group}`);
    return { device, isNode: (path: string) => own.has(path) || (nodes?.test(path) ?? false) };
  });
  const holders = holdersOf((path) => wanted.some(({ isNode }) => isNode(path)), sysroot);
  return new Map(wanted.map(({ device, isNode }) => [device, holders.filter(({ path }) => isNode(path))]));
}

/** For a list: `qemu-system-aarch64 (4711)`. */
export function sayHolder({ name, pid }: Holder): string {
  return `${basename(name)} (${pid})`;
}
