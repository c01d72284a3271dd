import type { StateFolders } from '../journal/index.js';

/** The host that is looked at, and what the VM will be there. */
export interface VfioHost {
  /** Where /sys, /proc and /dev are. Default: `/`. */
  readonly sysroot?: string;
  /** Who QEMU runs as. Default: root. */
  readonly account?: Account;
  /** What VFIO will pin. Without it the limit of locked memory is not checked. */
  readonly memory?: {
    readonly guestBytes: bigint;
    /** What the unit will set (`LimitMEMLOCK=`). Default: this process's limit. */
    readonly limitBytes?: bigint | 'infinity';
  };
  /** Where journals and locks are, to find who has a device. Without them nobody is looked for. */
  readonly folders?: StateFolders;
}

export interface Account {
  readonly name: string;
  readonly uid: number;
  /** The account's own group first, then the supplementary ones. */
  readonly gids: readonly number[];
}
