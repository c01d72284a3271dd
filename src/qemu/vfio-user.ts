import { type BarAddress, bootStub, bootStubArguments } from './boot-stub.js';

/** One device that somebody serves to QEMU. */
export interface VfioUserDevice {
  /** Where the device's server listens. */
  readonly socketPath: string;
  /** The device's PCI slot on bus 0. */
  readonly slot: number;
}

export interface VfioUserDevices {
  readonly devices: readonly VfioUserDevice[];
  /** Where the guest is to see the devices' BARs; the bridge knows them (`windowBars`, `ivcBars`). */
  readonly bars: readonly BarAddress[];
  /** The file that is to hold the boot stub. */
  readonly stubPath: string;
  /** {@link MESSAGE_TIMEOUT_MS} unless told; must be longer than the server's own deadline for an answer. */
  readonly messageTimeoutMs?: number;
}

export interface VfioUserArguments {
  readonly arguments: string[];
  /** To be written to `stubPath` before QEMU starts; QEMU reads it once. */
  readonly stub: Uint8Array;
}

/**
 * How long QEMU waits for an answer, in ms. It stands still meanwhile, monitor and all, and gives the device up for
 * good afterwards; a server that dies in the middle of a request is noticed only by this. So it is longer than a
 * bridge's deadline for a transfer (30 s), and not much.
 */
const MESSAGE_TIMEOUT_MS = 40_000;

/** The window's slot; nothing depends on it but that it is free. */
export const WINDOW_SLOT = 4;

/**
 * QEMU's arguments for devices that a bridge serves at fixed guest addresses, layouts alike. QEMU 10.1 or newer,
 * machine `virt`. The guest's tree must have no PCI node, or its kernel moves the BARs.
 * Throws GPUVM_CONFIG for an address that cannot be.
 */
export function vfioUserDevices(request: VfioUserDevices): VfioUserArguments {
  const { devices, bars, stubPath, messageTimeoutMs } = request;
  const each = devices.flatMap((device) => ['-device', vfioUserDevice(device, messageTimeoutMs)]);
  return { arguments: [...each, ...bootStubArguments(stubPath)], stub: bootStub(bars) };
}

/** The value of `-device` for a vfio-user PCI device; the socket's address can be given in JSON only. */
function vfioUserDevice({ socketPath, slot }: VfioUserDevice, messageTimeoutMs = MESSAGE_TIMEOUT_MS): string {
  return JSON.stringify({
    driver: 'vfio-user-pci',
    addr: slot.toString(16),
    'x-msg-timeout': messageTimeoutMs,
    socket: { type: 'unix', path: socketPath },
  });
}
