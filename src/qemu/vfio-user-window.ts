import { type BarAddress, bootStub, bootStubArguments } from './boot-stub.js';

export interface VfioUserWindow {
  /** Where the device's server listens. */
  readonly socketPath: string;
  /** Where the guest is to see the device's BARs; the bridge knows them (`windowBars`). */
  readonly bars: readonly BarAddress[];
  /** The file that is to hold the boot stub. */
  readonly stubPath: string;
  /** The device's PCI slot on bus 0, 4 unless told. */
  readonly slot?: number;
}

export interface VfioUserArguments {
  readonly arguments: string[];
  /** To be written to `stubPath` before QEMU starts; QEMU reads it once. */
  readonly stub: Uint8Array;
}

/**
 * How long QEMU waits for an answer before it gives the device up for good, in ms. Longer than any deadline that
 * a bridge has for a transfer.
 */
const MESSAGE_TIMEOUT_MS = 600_000;

/**
 * QEMU's arguments for a device that a bridge serves at fixed guest addresses, layouts alike. QEMU 10.1 or newer,
 * machine `virt`. The guest's tree must have no PCI node, or its kernel moves the BARs.
 * Throws GPUVM_CONFIG for an address that cannot be.
 */
export function vfioUserWindow({ socketPath, bars, stubPath, slot = 4 }: VfioUserWindow): VfioUserArguments {
  return {
    arguments: ['-device', vfioUserDevice(socketPath, slot), ...bootStubArguments(stubPath)],
    stub: bootStub(bars),
  };
}

/** The value of `-device` for a vfio-user PCI device; the socket's address can be given in JSON only. */
export function vfioUserDevice(socketPath: string, slot: number): string {
  return JSON.stringify({
    driver: 'vfio-user-pci',
    addr: slot.toString(16),
    'x-msg-timeout': MESSAGE_TIMEOUT_MS,
    socket: { type: 'unix', path: socketPath },
  });
}
