import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { lockHolder, stateFolders } from '../../../../src/journal/index.js';
import { REFERENCE } from './orin-reference.js';
import { linked, names, putBack, state, text, write } from './sysfs.js';

export const DEVICES = '/sys/bus/platform/devices';

/** For a driver that does not let go; while it hangs, the kernel keeps whoever reads its driver_override. */
export const HANG = '13400000.hang';

/** Bound beside the one that hangs, while other cases are made: no part of `hostState`. */
export const NEIGHBOUR = '13300000.one_of_two';

const OTHERS = [
  '9010000.pl031',
  'a000000.virtio_mmio',
  '13100000.no_iommu',
  '13200000.no_reset',
  '13310000.two_of_two',
];

export const driver = (name: string) => linked(join(DEVICES, name, 'driver'));
export const group = (name: string) => linked(join(DEVICES, name, 'iommu_group'));
export const override = (name: string) => text(join(DEVICES, name, 'driver_override'))?.trim() ?? 'no file';

export const look = (names: readonly string[]) =>
  Object.fromEntries(names.map((name) => [name, `${driver(name) ?? 'none'}, for ${override(name)}`]));

/** How the host stands: the devices of its tree and of its PCI bus, VFIO's nodes, gpuvm's journals and locks. */
export function hostState(): Record<string, string> {
  const { locks } = stateFolders();
  const all: Record<string, string> = state();
  // The kernel lets a function decode addresses when it is first switched on, and leaves it so; of DMA it does not.
  for (const key of Object.keys(all))
    if (key.endsWith(' command')) all[key] = `bus master: ${(Number(all[key]) & 4) !== 0}`;
  for (const name of [...REFERENCE, ...OTHERS]) {
    all[`${name} driver`] = driver(name) ?? 'none';
    all[`${name} override`] = override(name);
    const holder = lockHolder(`platform/${name}`, locks);
    if (holder) all[`${name} lock`] = `${holder.vm} (${holder.pid})`;
  }
  all.nodes = names('/dev/vfio')
    .filter((name) => name !== group(NEIGHBOUR) && name !== group(HANG))
    .join(' ');
  return all;
}

/** By hand, without gpuvm: the errno that the kernel refuses with. */
export function busybox(...args: readonly string[]): string | null {
  const { status, stderr } = spawnSync('/run/twin/busybox', args, { encoding: 'utf8' });
  return status === 0 ? null : stderr.trim();
}

/** What the kernel has said so far. */
export function kernelLines(): string[] {
  const { stdout } = spawnSync('/run/twin/busybox', ['dmesg'], { encoding: 'utf8' });
  return stdout.trim().split('\n');
}

/** What the kernel says of what is done. */
export async function kernelSaying<T>(act: () => T | Promise<T>): Promise<{ result: T; said: string[] }> {
  const before = kernelLines().length;
  const result = await act();
  return { result, said: kernelLines().slice(before) };
}

export const journals = () => names('/var/lib/gpuvm/journal');

/** Gives each device its driver by hand, so that one case's mistake is not the next one's. */
export function putBackHost(before: Record<string, string>): void {
  putBack(before);
  for (const name of [...REFERENCE, ...OTHERS]) {
    const bound = driver(name);
    if (bound !== null) write(`/sys/bus/platform/drivers/${bound}/unbind`, name);
    write(join(DEVICES, name, 'driver_override'), '\n');
  }
}

/** Gives a device to vfio-platform without gpuvm; the errno that the kernel refuses it with. */
export function bindByHand(name: string): string | null {
  write(join(DEVICES, name, 'driver_override'), 'vfio-platform');
  return write('/sys/bus/platform/drivers/vfio-platform/bind', name);
}

export function unbindByHand(name: string): void {
  write('/sys/bus/platform/drivers/vfio-platform/unbind', name);
  write(join(DEVICES, name, 'driver_override'), '\n');
}
