import type { CaptureSettings } from './capture-to-disk.js';
import type { HandOver } from './hand-over/index.js';
import type { HostDevices } from './host-devices.js';
import type { VmOptions } from './vm-events.js';

export interface SupervisorOptions extends Pick<VmOptions, 'record' | 'startBridge' | 'openBridge'> {
  /** Where reports, journals and locks go; by default `/var/lib/gpuvm`, or GPUVM_STATE_DIR. */
  readonly stateDir?: string;
  /** Where the guest's transfers are kept, in the place of what the VM file says. */
  readonly capture?: CaptureSettings;
  /** QEMU goes on when this process ends, for another one to take it over: see `kept` and `detach`. */
  readonly handOver?: boolean;
  /** Goes on with a VM that another supervisor has let go of, or was killed with. Its restarts are of its own file. */
  readonly takeOver?: HandOver;
  /** Awaited while QEMU is there and its guest still stands at its first instruction; what it throws ends the start. */
  readonly beforeGuest?: () => Promise<void>;
  /** Takes the host's devices; by default as the VM file says, by way of vfio and the journal. */
  readonly hostDevices?: HostDevices;
}
