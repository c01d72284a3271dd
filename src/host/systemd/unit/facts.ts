/** A capability of capabilities(7), or a device, with what it is needed for. */
export interface Need {
  readonly what: string;
  readonly why: string;
}

/** What a unit has to know of the VM that it runs; texts are as systemd reads them, so that a template can hold `%i`. */
export interface ServiceFacts {
  /** The VM's name, `%i` in a template. */
  readonly name: string;
  /** The VM file as a word of a command line. */
  readonly file: string;
  /** The words of `gpuvm` itself, such as an absolute path of Node and one of its script. */
  readonly program: readonly string[];
  /** `What=` is as DeviceAllow has it: `/dev/kvm rw`, `char-vfio rw`. */
  readonly devices: readonly Need[];
  /** Kernel modules that are loaded before the VM starts, with underscores. */
  readonly modules: readonly string[];
  /** Whether drivers of the host's devices are changed, which is done in sysfs. */
  readonly bindsDevices: boolean;
  /** Whether VFIO pins the guest's memory. */
  readonly pinsMemory: boolean;
  /** Whether QEMU's calls are answered by gpuvm, for which a seccomp filter is installed. */
  readonly isInterposed: boolean;
  /**
   * Whether the BPMP's node is hidden from QEMU, in a mount namespace: of root's, which takes CAP_SYS_ADMIN, or in a user
   * namespace, which takes none.
   */
  readonly hidesNode: 'no' | 'by-root' | 'by-user-namespace';
  readonly capabilities: readonly Need[];
  /** `host` where QEMU reaches out, or is reached, by IP. */
  readonly network: 'none' | 'host';
  /** Paths, as they are, that are written to besides gpuvm's own folders. */
  readonly writable: readonly string[];
  /** What `${cache}` in the VM file is relative to, as part of a word, where the VM uses it. */
  readonly cacheHome?: string;
  /** Whether something that the VM needs lies below /home, /root or /run/user; it can be read there, and no more. */
  readonly needsHomes: boolean;
  /** Whether something that the VM needs lies below /tmp or /var/tmp. */
  readonly needsTmp: boolean;
  /** Exit statuses after which the service stays down: nothing that a restart mends, and whatever end its VM came to. */
  readonly finalStatuses: readonly number[];
  /** Those of them that are no failure. */
  readonly wantedStatuses: readonly number[];
  /** From the start of the service to its READY, hooks and pinning included. */
  readonly startMs: number;
  /** From its stop to the end of the last device's restoring. */
  readonly stopMs: number;
}
