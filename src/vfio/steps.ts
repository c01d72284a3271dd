import type { Condition, HostStep, WriteStep } from '../journal/index.js';
import { buses } from './bus.js';
import { type DeviceRequest, subjectOf } from './device.js';
import { type Quirk, quirksOf } from './quirks.js';
import { driverPath, type HostDevice, isVfioDriver } from './read.js';
import { targetDriver } from './target.js';

/**
 * The writes that take one device from where it is to VFIO's driver, with their undos; none where it is there already.
 * Backwards they are the way home: off VFIO, the override as it was, and only then to the earlier driver, which would not
 * take a device that is meant for another.
 */
export function bindingSteps(
  device: HostDevice,
  request: DeviceRequest,
  sysroot: string,
  table?: readonly Quirk[],
): HostStep[] {
  const { bus, name, path, driver } = device;
  const target = targetDriver(device, request, sysroot, table);
  if (driver === target || (request.driver === undefined && isVfioDriver(driver))) return [];
  const { neverRebind, leave, resetFirst } = quirksOf(device, buses[bus].identify(device, sysroot), table);
  const policy = {
    subject: subjectOf(device),
    ...(request.restore === 'leave' || leave ? { restore: 'leave' as const } : {}),
    ...(neverRebind ? { irrevocable: `${name} stays with ${target}: ${neverRebind.reason}` } : {}),
  };
  const step = (verb: string, rest: Omit<WriteStep, 'id' | 'kind' | keyof typeof policy>): HostStep => ({
    id: `${bus}/${name}/${verb}`,
    kind: 'write',
    ...policy,
    ...rest,
  });
  return [
    ...(driver === null ? [] : [step('unbind', unbind(device, driver))]),
    ...(device.override === target ? [] : [step('override', override(device, target))]),
    ...(resetFirst ? [step('reset', { what: `reset ${name}`, path: `${path}/reset`, value: '1' })] : []),
    step('bind', {
      what: `bind ${name} to ${target}`,
      path: `/sys/bus/${bus}/drivers_probe`,
      value: name,
      before: driverIs(device, null),
      after: driverIs(device, target),
      undo: {
        path: `${driverPath(bus, target)}/unbind`,
        value: name,
        // The kernel makes the write wait for as long as somebody has the group, or the device by a node of its own,
        // whose number is not known before the device is bound.
        ...(device.group === null
          ? { whenFreeNamed: { link: `${path}/iommu_group`, folder: '/dev/vfio' } }
          : { whenFree: [`/dev/vfio/${device.group}`] }),
        whenFreeBelow: `${path}/vfio-dev`,
      },
    }),
  ];
}

type Write = Omit<WriteStep, 'id' | 'kind'>;

function unbind(device: HostDevice, driver: string): Write {
  const folder = driverPath(device.bus, driver);
  return {
    what: `take ${device.name} off ${driver}`,
    path: `${folder}/unbind`,
    value: device.name,
    before: driverIs(device, driver),
    after: driverIs(device, null),
    undo: { path: `${folder}/bind`, value: device.name },
  };
}

function override(device: HostDevice, target: string): Write {
  const path = `${device.path}/driver_override`;
  const earlier = device.override ?? '(null)';
  return {
    what: `mean ${device.name} for ${target} alone`,
    path,
    value: target,
    before: { kind: 'value', path, value: earlier },
    after: { kind: 'value', path, value: target },
    // The kernel shows `(null)` for one that is not set, and unsets it for an empty line.
    undo: { path, value: earlier === '(null)' || earlier === '' ? '\n' : earlier },
  };
}

function driverIs({ path }: HostDevice, target: string | null): Condition {
  return { kind: 'link', path: `${path}/driver`, target };
}
