import { Allocator, alignmentOf, type Placement } from './allocator.js';
import type { BusDevice, PlatformBus } from './bus.js';
import { hex, sizeText } from './text.js';

/** One thing about a device on the bus. `fail`: with it no VM is to be started. */
export interface BusProblem {
  readonly status: 'fail' | 'warn';
  /** Which of the devices, counted from 0; the same for its regions. */
  readonly device: number;
  readonly region?: number;
  /** What it is about, for who has the file: the key of a device in a VM file. */
  readonly key: 'host' | 'mmioBase' | 'regions' | 'interrupts';
  /** Without the device's name and without a full stop. */
  readonly message: string;
}

export interface ExaminedDevice {
  readonly host: string;
  /** The address is undefined where QEMU would find no room, or is never asked. */
  readonly regions: readonly { readonly address: bigint | undefined; readonly size: bigint }[];
  readonly spis: readonly number[];
}

export interface BusExamination {
  readonly devices: readonly ExaminedDevice[];
  readonly problems: readonly BusProblem[];
}

/** Beyond this QEMU's sum wraps; there is no such region. */
const MAX_SIZE = 1n << 63n;

/** Where QEMU would put everything, and all that is wrong with that. Takes any list of devices. */
export function examinePlatformBus(devices: readonly BusDevice[], bus: PlatformBus): BusExamination {
  const allocator = new Allocator(bus);
  const problems: BusProblem[] = [];
  const examined = devices.map((device, index): ExaminedDevice => {
    const add = (problem: Omit<BusProblem, 'device'>) => problems.push({ device: index, ...problem });
    const first = devices.findIndex(({ host }) => host === device.host);
    if (first < index) {
      add({ status: 'fail', key: 'host', message: `is the same device as number ${first + 1}` });
    }
    const spis = allocator.takeSpis(device.interrupts);
    if (spis.length < device.interrupts) {
      add({ status: 'fail', key: 'interrupts', message: tooManyInterrupts(device, spis.length, bus) });
    }
    const base = troubleWithBase(device, bus);
    if (base) add({ status: 'fail', key: 'mmioBase', message: base });
    const regions = device.regions.map((size, region) => {
      const trouble = troubleWithSize(device, size, region, bus);
      if (trouble) add({ key: 'regions', region, ...trouble });
      // QEMU ends at once, so there is nothing to predict.
      if (base || size <= 0n || size > MAX_SIZE) return { address: undefined, size };
      const placement = allocator.takeRegion(device, region, size);
      for (const problem of troubleWithPlace(device, region, placement, bus)) add({ region, ...problem });
      return { address: placement.address, size };
    });
    return { host: device.host, regions, spis };
  });
  return { devices: examined, problems };
}

function tooManyInterrupts({ interrupts }: BusDevice, left: number, { spis }: PlatformBus): string {
  return `has ${interrupts} interrupts, and ${left} of the platform bus's ${spis} are left: QEMU would not start`;
}

function troubleWithBase({ mmioBase }: BusDevice, { base, size }: PlatformBus): string | undefined {
  if (mmioBase === undefined) return undefined;
  if (mmioBase === 0n)
    return 'mmioBase 0x0 is what QEMU takes for none: leave the key out, or give an address';
  if (mmioBase >= base && mmioBase < base + size) return undefined;
  const bus = `${hex(base)} to ${hex(base + size - 1n)}`;
  return `mmioBase ${hex(mmioBase)} is outside of the platform bus, ${bus}: QEMU would not start`;
}

function troubleWithSize(
  { mmioBase }: BusDevice,
  size: bigint,
  region: number,
  { pageSize }: PlatformBus,
): Pick<BusProblem, 'status' | 'message'> | undefined {
  const what = `region ${region + 1}`;
  if (size === 0n) return { status: 'fail', message: `${what} has no size: QEMU cannot map it` };
  if (size < 0n || size > MAX_SIZE)
    return { status: 'fail', message: `${what} of ${size} bytes is larger than any address space` };
  if (size % pageSize === 0n) return undefined;
  const said = `${what} of ${hex(size)} bytes is not of whole pages of ${sizeText(pageSize)}: the host cannot map it into the guest`;
  // A device's registers can be reached by QEMU's hand (drivers/vfio/platform); memory that is trapped is none.
  if (mmioBase !== undefined) return { status: 'fail', message: said };
  return { status: 'warn', message: `${said}, and each access goes through QEMU` };
}

type PlaceProblem = Omit<BusProblem, 'device' | 'region'>;

function* troubleWithPlace(
  { mmioBase }: BusDevice,
  region: number,
  placement: Placement,
  bus: PlatformBus,
): Generator<PlaceProblem> {
  const { address, size, inTheWay } = placement;
  const what = `region ${region + 1} (${sizeText(size)})`;
  const wanted = mmioBase !== undefined && region === 0;
  const key = wanted ? 'mmioBase' : 'regions';
  const obstacle = inTheWay.map(({ what, start, end }) => `${what} (${hex(start)} to ${hex(end - 1n)})`);
  if (address === undefined) {
    const why = wanted ? `mmioBase ${hex(mmioBase)} overlaps ${obstacle.join(' and ')}, and ` : '';
    const aligned = `aligned to ${sizeText(alignmentOf(size))}`;
    yield {
      status: 'fail',
      key,
      message: `${why}${what} finds no room on the platform bus, ${aligned}: QEMU would not start`,
    };
    return;
  }
  if (wanted && address !== mmioBase) {
    const others = 'change it, or name the device before the one in its way';
    const message = `mmioBase ${hex(mmioBase)} overlaps ${obstacle.join(' and ')}: the guest would silently get ${hex(address)} instead; ${others}`;
    yield { status: 'fail', key, message };
  } else if (mmioBase !== undefined && address !== mmioBase) {
    const message = `mmioBase holds for a device's first region only: ${what} is placed behind it, at ${hex(address)}, and QEMU warns`;
    yield { status: 'warn', key, message };
  }
  const last = address + size - 1n;
  const busEnd = bus.base + bus.size;
  if (last >= busEnd) {
    const message = `${what} would be at ${hex(address)} to ${hex(last)}, beyond the platform bus's end ${hex(busEnd - 1n)}: the guest would not see all of it`;
    yield { status: 'fail', key, message };
  }
  if (address % bus.pageSize !== 0n && size % bus.pageSize === 0n) {
    const message = `${what} would be at ${hex(address)}, which is not aligned to the host's pages of ${sizeText(bus.pageSize)}`;
    yield { status: 'fail', key, message };
  }
  if (bus.ramBase < busEnd && last >= bus.ramBase && address < busEnd) {
    const message = `${what} is at ${hex(address)} to ${hex(last)}, where the platform bus overlaps RAM's addresses from ${hex(bus.ramBase)}: it is free only as long as the guest has no more than ${sizeText(bus.ramSize)}`;
    yield { status: 'warn', key, message };
  }
}
