import type { CompiledPolicy } from '../../bpmp/policy/index.js';
import type { PlatformBus } from '../../qemu/platform-bus/index.js';
import type { GuestDevice, HostSource } from '../guest-tree/index.js';

/** An address, and how it is known. */
export interface ExpectedWindow {
  readonly address: bigint;
  readonly because: string;
}

/** What a guest's tree must agree with: all that follows from the VM file, the host's tree and QEMU. */
export interface Expectations {
  readonly devices: readonly GuestDevice[];
  readonly bus: PlatformBus;
  readonly host: HostSource | undefined;
  /** Where the guest's kernel reaches the BPMP; undefined where it is not known, or the VM has no window. */
  readonly window: ExpectedWindow | undefined;
  /** How many CPUs `-smp` makes. */
  readonly cpuCount: number | undefined;
  /** What each CPU's `reg` is in QEMU's own tree for this machine. */
  readonly cpuAddresses: readonly bigint[] | undefined;
  /** The kernel's parameters that QEMU is given, which replace those of the tree. */
  readonly append: string | undefined;
  /** Who decides what the guest may ask of the BPMP. */
  readonly policy: { readonly file: string; readonly compiled: CompiledPolicy } | undefined;
}
