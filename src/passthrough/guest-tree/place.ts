import { layoutPlatformBus, type PlacedDevice, type PlatformBus } from '../../qemu/platform-bus/index.js';
import type { ResolvedDevice } from './resolve.js';

/** A device with the addresses and interrupts that QEMU gives it. */
export interface GuestDevice extends ResolvedDevice {
  readonly placed: PlacedDevice;
}

/** Where this QEMU puts each of the devices. Throws GPUVM_CONFIG where it would not start. */
export function placeDevices(devices: readonly ResolvedDevice[], bus: PlatformBus): GuestDevice[] {
  const placed = layoutPlatformBus(
    devices.map(({ host, mmioBase, regions, lines }) => ({
      host,
      mmioBase,
      regions: regions.map(({ size }) => size),
      interrupts: lines.length,
    })),
    bus,
  );
  return devices.map((device, index) => ({ ...device, placed: placed[index]! }));
}
