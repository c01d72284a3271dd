import {
  type AddressRange,
  covers,
  memoryRanges,
  overlaps,
  type ReservedRange,
  reservedRanges,
} from '../../devicetree/index.js';
import { deviceAt, type PlanFinding } from './finding.js';
import type { HostTree } from './host-tree.js';
import type { DeviceShape } from './shapes.js';

const hex = (value: bigint) => `0x${value.toString(16)}`;

/** Memory that is handed to a guest must be memory that the host's kernel leaves alone. */
export function checkCarveOuts(shapes: readonly DeviceShape[], host: HostTree | undefined): PlanFinding[] {
  const candidates = shapes.map((shape, index) => ({ shape, index, ranges: hostRanges(shape) }));
  if (!host) return unchecked(candidates);
  const memory = memoryRanges(host.tree);
  const reserved = reservedRanges(host.tree);
  const kept = reserved.filter(({ isKept }) => isKept);
  const findings: PlanFinding[] = [];
  for (const { shape, index, ranges } of candidates) {
    for (const range of ranges) {
      const inMemory = memory.some((other) => overlaps(range, other));
      const isOurs = inMemory || isMeantAsMemory(shape);
      if (!isOurs || covers(kept, range)) continue;
      findings.push(notReserved(shape, index, range, reserved, host));
    }
    if (shape.mmioBase !== undefined && ranges[0] && ranges[0].address !== shape.mmioBase) {
      findings.push(notOneToOne(shape, index, ranges[0]));
    }
  }
  return findings;
}

/**
 * A tree that the firmware has still to fill in says nothing of RAM, so what is in RAM is not all there is: a device with
 * `mmioBase` and without interrupts is no device but a carve-out.
 */
function isMeantAsMemory({ mmioBase, interrupts = 0 }: DeviceShape): boolean {
  return mmioBase !== undefined && interrupts === 0;
}

/** Where the host has the device's regions: as its tree says, else as the first part of its name does. */
function hostRanges({ host, ranges, regions }: DeviceShape): readonly AddressRange[] {
  if (ranges) return ranges;
  const [, address] = /^([0-9a-f]{1,16})\./.exec(host) ?? [];
  return address && regions?.[0] ? [{ address: BigInt(`0x${address}`), size: regions[0] }] : [];
}

function unchecked(candidates: readonly { shape: DeviceShape }[]): PlanFinding[] {
  const names = candidates.filter(({ shape }) => shape.mmioBase !== undefined).map(({ shape }) => shape.host);
  if (names.length === 0) return [];
  const what = `whether the host reserves ${names.join(', ')} is not known`;
  const fix = "give the host's tree (--host-tree)";
  return [
    {
      id: 'plan.carve-out',
      status: 'warn',
      what,
      evidence: 'there is no device tree of the host',
      fix,
      about: 'host',
    },
  ];
}

function notReserved(
  { host }: DeviceShape,
  index: number,
  range: AddressRange,
  reserved: readonly ReservedRange[],
  { from }: HostTree,
): PlanFinding {
  const part = reserved.filter((other) => overlaps(range, other));
  const weak = part.find(({ isKept }) => !isKept);
  const why = weak
    ? `${weak.by} is neither no-map nor a removed-dma-pool`
    : part[0]
      ? `${part[0].by} covers only ${hex(part[0].address)} to ${hex(part[0].address + part[0].size - 1n)}`
      : 'nothing reserves it';
  const last = range.address + range.size - 1n;
  return {
    id: `plan.carve-out/${host}`,
    status: 'fail',
    what: `${deviceAt(index)}: ${host} is memory that the host's tree does not reserve, ${hex(range.address)} to ${hex(last)}: ${why}`,
    evidence: `${from}: /reserved-memory and /memreserve/`,
    fix: 'reserve it in the host\'s tree, with compatible = "removed-dma-pool" or no-map',
    device: host,
    about: 'host',
    at: ['platformDevices', index],
  };
}

function notOneToOne({ host, mmioBase }: DeviceShape, index: number, range: AddressRange): PlanFinding {
  return {
    id: `plan.carve-out/${host}`,
    status: 'warn',
    what: `${deviceAt(index)}: ${host} is at ${hex(range.address)} on the host and at mmioBase ${hex(mmioBase!)} in the guest: a device that is given the address by the guest would use other memory`,
    evidence: 'a carve-out has the same address on both sides',
    device: host,
    about: 'file',
    at: ['platformDevices', index, 'mmioBase'],
  };
}
