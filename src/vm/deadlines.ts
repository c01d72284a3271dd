import type { VmConfig } from '../config/index.js';
import { pinningMs } from '../qmp/index.js';

/** The guest's RAM that VFIO will pin, in bytes: all of it, or none where the guest has no device of the host's. */
export function pinnedBytes({ memory = 0n, platformDevices, pciDevices }: VmConfig): bigint {
  return platformDevices.length + pciDevices.length > 0 ? memory : 0n;
}

/** From QEMU's start to its monitor: what the file says, and the time that pinning takes on top. */
export function monitorDeadlineMs(config: VmConfig): number {
  return config.deadlines.qmp + pinningMs(pinnedBytes(config));
}

/**
 * How long devices are left alone after QEMU was killed: the kernel unpins and resets behind its end, and a device that
 * is handed to its driver amid that is lost until the next boot.
 */
export function graceMs(config: VmConfig): number {
  const devices = config.platformDevices.length + config.pciDevices.length;
  return devices * GRACE_PER_DEVICE_MS;
}

const GRACE_PER_DEVICE_MS = 500;
