import { type BusProblem, examinePlatformBus, type PlatformBus } from '../../qemu/index.js';
import { deviceAt, type PlanFinding } from './finding.js';
import type { DeviceShape } from './shapes.js';

/** Where QEMU will put one device. What is undefined cannot be said, because of it or of a device before it. */
export interface PlannedDevice {
  readonly host: string;
  readonly mmioBase: bigint | undefined;
  readonly regions: readonly { readonly address: bigint | undefined; readonly size: bigint }[] | undefined;
  readonly spis: readonly number[] | undefined;
}

/** The devices' addresses and interrupts, with all that is wrong with them. */
export function predict(
  shapes: readonly DeviceShape[],
  bus: PlatformBus,
): { devices: PlannedDevice[]; findings: PlanFinding[] } {
  const { devices, problems } = examinePlatformBus(
    shapes.map(({ host, mmioBase, regions = [], interrupts = 0 }) => ({
      host,
      mmioBase,
      regions,
      interrupts,
    })),
    bus,
  );
  const firstWithout = (key: 'regions' | 'interrupts') => {
    const index = shapes.findIndex((shape) => shape[key] === undefined);
    return index < 0 ? shapes.length : index;
  };
  const roomIsKnown = firstWithout('regions');
  const linesAreKnown = firstWithout('interrupts');
  return {
    devices: shapes.map(({ host, mmioBase, regions, interrupts }, index) => {
      const placed = devices[index]!;
      // One whose size nobody knows may take any room, but for what is asked for by address.
      const isKnown = (region: number) => index < roomIsKnown || (mmioBase !== undefined && region === 0);
      return {
        host,
        mmioBase,
        regions:
          regions &&
          placed.regions.map(({ address, size }, region) => ({
            size,
            address: isKnown(region) ? address : undefined,
          })),
        spis: interrupts === 0 || index < linesAreKnown ? placed.spis : undefined,
      };
    }),
    findings: problems.map((problem) => asFinding(problem, shapes[problem.device]!.host)),
  };
}

function asFinding({ status, device, region, key, message }: BusProblem, host: string): PlanFinding {
  return {
    id: `plan.bus/${host}`,
    status,
    what: `${deviceAt(device)}: ${host} ${message}`,
    evidence: "the allocator of QEMU's platform bus",
    device: host,
    about: 'file',
    at: ['platformDevices', device, key, ...(key === 'regions' && region !== undefined ? [region] : [])],
  };
}
