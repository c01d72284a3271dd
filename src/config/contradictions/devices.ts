import { isDeepStrictEqual } from 'node:util';
import { type Complaints, isPc } from './complain.js';

/** No host has smaller pages, and QEMU maps whole pages; larger ones are for the layout to say. */
const PAGE = 4096n;

/** Shared peripheral interrupts of a GIC: 32 to 1019. */
const SPIS = 988;

/** Properties that have keys of their own, or that belong to gpuvm. */
const OWN = ['host', 'mmio-base', 'mmiobase', 'sysfsdev', 'id', 'fd'];

export function deviceContradictions(complaints: Complaints): void {
  const { platformDevices, pciDevices, machine } = complaints.config;
  for (const list of ['platformDevices', 'pciDevices'] as const) {
    complaints.unique(
      complaints.config[list],
      ({ host }) => host,
      (index) => [list, index, 'host'],
    );
    for (const [index, { options = {} }] of complaints.config[list].entries()) {
      for (const key of Object.keys(options).filter((key) => OWN.includes(key.toLowerCase())))
        complaints.atKey([list, index, 'options', key], 'is not for options: gpuvm gives it');
    }
  }
  if (platformDevices.length > 0 && isPc(machine))
    complaints.atKey(['platformDevices'], `need QEMU's machine virt, not ${machine}`);
  if (pciDevices.length > 0 && /^(type=)?(microvm|none)\b/.test(machine))
    complaints.atKey(['pciDevices'], `have no bus to be on: QEMU's machine ${machine} has no PCI`);
  mmioBases(complaints);
  platformBus(complaints);
  usb(complaints);
}

function mmioBases(complaints: Complaints): void {
  const { platformDevices, platformBus } = complaints.config;
  const path = (index: number) => ['platformDevices', index, 'mmioBase'];
  complaints.unique(
    platformDevices,
    ({ mmioBase }) => (mmioBase === undefined ? undefined : `0x${mmioBase.toString(16)}`),
    path,
  );
  const { base, size } = platformBus ?? {};
  for (const [index, { mmioBase }] of platformDevices.entries()) {
    if (mmioBase === undefined) continue;
    if (mmioBase % PAGE !== 0n)
      complaints.at(path(index), `must be a multiple of the host's page size, 0x1000 at least`);
    if ((base !== undefined && mmioBase < base) || (base && size && mmioBase >= base + size)) {
      const last = size === undefined ? '' : ` to 0x${(base + size - 1n).toString(16)}`;
      complaints.at(path(index), `is outside platformBus, 0x${base.toString(16)}${last}`);
    }
  }
}

function platformBus(complaints: Complaints): void {
  const { platformBus } = complaints.config;
  if (!platformBus) return;
  for (const key of ['base', 'size', 'ramBase'] as const) {
    const value = platformBus[key];
    if (value !== undefined && value % PAGE !== 0n)
      complaints.at(['platformBus', key], 'must be a multiple of 0x1000');
  }
  const { base, size, firstSpi = 0, spis } = platformBus;
  if (base !== undefined && size !== undefined && base + size > 1n << 64n)
    complaints.at(['platformBus', 'size'], 'reaches past the end of the address space');
  if (spis !== undefined && firstSpi + spis > SPIS)
    complaints.at(['platformBus', 'spis'], `reaches past the last one, ${SPIS - 1}`);
}

function usb(complaints: Complaints): void {
  const { usb } = complaints.config;
  for (const [index, device] of usb.entries()) {
    const { vendorId, productId, hostBus, hostPort, hostAddress } = device;
    const path = ['usb', index];
    const isById = vendorId !== undefined && productId !== undefined;
    const isByPlace = hostBus !== undefined && (hostPort !== undefined || hostAddress !== undefined);
    if (hostPort !== undefined && hostAddress !== undefined)
      complaints.at(path, 'has hostPort and hostAddress: choose one');
    else if ((vendorId === undefined) !== (productId === undefined))
      complaints.at(path, `lacks ${isUndefined(vendorId, 'vendorId', 'productId')}: the two go together`);
    else if (!isByPlace && (hostBus !== undefined || hostPort !== undefined || hostAddress !== undefined))
      complaints.at(path, `lacks ${isUndefined(hostBus, 'hostBus', 'hostPort or hostAddress')}`);
    else if (!isById && !isByPlace)
      complaints.at(path, 'names no device: give vendorId and productId, or hostBus and hostPort');
  }
  for (const [index, device] of usb.entries()) {
    const before = usb.findIndex((other) => isDeepStrictEqual(other, device));
    if (before < index) complaints.at(['usb', index], `is the same as usb[${before + 1}]`);
  }
}

function isUndefined(value: unknown, name: string, otherwise: string): string {
  return value === undefined ? name : otherwise;
}
