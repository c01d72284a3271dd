import type { Finding } from '../../finding.js';

/** What a check says: a finding whose id is the check's own, with a slash and `on` where it looks at several things. */
export interface Said extends Omit<Finding, 'id'> {
  readonly on?: string;
}

/** One row of the table of checks. `id` is stable, and has its section in docs/troubleshooting.md. */
export interface Check<Given> {
  readonly id: string;
  /** Looks and changes nothing. Nothing is said where the check has nothing to do with what is given. */
  run(given: Given): readonly Said[] | Promise<readonly Said[]>;
}

/** The host that is looked at. */
export interface CheckedHost {
  /** Where /proc, /sys, /dev, /etc, /lib and /boot are. */
  readonly sysroot: string;
  /** What the VM needs of it; undefined where the host is looked at without a VM. */
  readonly needs: HostNeeds | undefined;
}

export interface HostNeeds {
  readonly kvm: boolean;
  readonly platformDevices: boolean;
  readonly pciDevices: boolean;
  /** A tap interface, and whether the kernel moves its packets. */
  readonly tap: boolean;
  readonly vhostNet: boolean;
  /** QEMU's calls are answered over seccomp notifications. */
  readonly interposed: boolean;
  /** Memory files without a name, for a bridge or for the guest's RAM. */
  readonly memfd: boolean;
  /** The host's BPMP device, where the VM's requests go there. */
  readonly bpmpDevice?: string;
  /** The guest's RAM in bytes. */
  readonly guestBytes: bigint;
  readonly hugepages?: { readonly path?: string; readonly sizeBytes?: bigint };
  readonly vcpus?: number;
  /** The host's CPUs that the VM file names: for each of the guest's, then for the rest of QEMU. */
  readonly pinning?: {
    readonly vcpus: readonly (readonly number[])[];
    readonly emulator?: readonly number[];
  };
  /** Who QEMU runs as; undefined for whoever runs gpuvm. */
  readonly account?: HostAccount;
}

export interface HostAccount {
  readonly name: string;
  readonly uid: number;
  readonly gids: readonly number[];
}

/** How bad it is that something is lacking: a VM that needs it fails; without a VM it may never be needed. */
export function lacking(needs: HostNeeds | undefined): 'fail' | 'warn' {
  return needs ? 'fail' : 'warn';
}

/** Whether this is to be looked at: the VM needs it, or there is no VM to say that it does not. */
export function concerns(needs: HostNeeds | undefined, wants: (needs: HostNeeds) => boolean): boolean {
  return needs === undefined || wants(needs);
}

export const wantsDevices = ({ platformDevices, pciDevices }: HostNeeds) => platformDevices || pciDevices;
