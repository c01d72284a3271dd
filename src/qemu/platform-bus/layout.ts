import { GpuvmError } from '../../errors.js';
import type { BusDevice, PlacedDevice, PlatformBus } from './bus.js';
import { examinePlatformBus } from './examine.js';

/**
 * The addresses and interrupts that QEMU gives to the devices of a platform bus, from their sizes alone. The devices
 * are in the order of the command line. Throws GPUVM_CONFIG where QEMU would not start, or a device would not be where
 * it must be; `details.mistakes` has a line for each.
 */
export function layoutPlatformBus(devices: readonly BusDevice[], bus: PlatformBus): PlacedDevice[] {
  const { devices: examined, problems } = examinePlatformBus(devices, bus);
  const mistakes = problems
    .filter(({ status }) => status === 'fail')
    .map(({ device, message }) => `${devices[device]!.host}: ${message}`);
  if (mistakes.length > 0) {
    const more = mistakes.length > 1 ? ` (and ${mistakes.length - 1} more)` : '';
    throw new GpuvmError('GPUVM_CONFIG', `${mistakes[0]}${more}`, { details: { mistakes } });
  }
  return examined.map(({ host, regions, spis }) => ({
    host,
    regions: regions.map(({ address, size }) => ({ address: address!, size })),
    spis,
  }));
}
