import type { StateFolders } from '../journal/index.js';

/** The host that is looked at, and what the VM will be there. */
export interface VfioHost {
  /** Where /sys, /proc and /dev are. Default: `/`. */
  readonly sysroot?: string;
  /** Who QEMU runs as. Default: who runs this, and root on a host that is only looked at (with a sysroot). */
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

export const root: Account = { name: 'root', uid: 0, gids: [0] };

export function accountOf({ account, sysroot = '/' }: VfioHost): Account {
  return account ?? (sysroot === '/' ? ownAccount() : root);
}

function ownAccount(): Account {
  const uid = process.geteuid?.() ?? 0;
  if (uid === 0) return root;
  return { name: `user ${uid}`, uid, gids: [process.getegid?.() ?? 0, ...(process.getgroups?.() ?? [])] };
}

/** An account as sentences have it: some are called "nobody". */
export function nameOf({ name, uid }: Account): string {
  return uid === 0 || name.startsWith('user ') ? name : `the account ${name}`;
}
