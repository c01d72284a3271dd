/**
 * Changes to the host as data. A step says what it does, how the host looks before and after it, and how it is
 * undone, so that whoever reads it later from a journal needs nothing else: not the VM file, not the code that made it.
 * All paths start with a slash and lie below the sysroot.
 */

/** Something that can be looked at on the host. */
export type Condition =
  /** A file's text, without its last newline. Sysfs shows an unset `driver_override` as `(null)`. */
  | { readonly kind: 'value'; readonly path: string; readonly value: string }
  /** The last part of a link's target; null where there is no such link. */
  | { readonly kind: 'link'; readonly path: string; readonly target: string | null };

interface Step {
  /** Unique in its journal. */
  readonly id: string;
  /** For people: `bind 17000000.gpu to vfio-platform`. */
  readonly what: string;
  /** What is changed, as locks call it: `platform/17000000.gpu`. Where one undo of it fails, the earlier ones are not tried. */
  readonly subject?: string;
  /**
   * `leave`: once the journal was marked active the step stays as it is, whatever happens. Until then it is undone like
   * any other. Default: `previous`.
   */
  readonly restore?: 'previous' | 'leave';
}

/** One write to a file of sysfs, procfs or the like; gone with the next boot. */
export interface WriteStep extends Step {
  readonly kind: 'write';
  readonly path: string;
  readonly value: string;
  /** How the host looks where the step was not made, or was undone. Needed for an undo. */
  readonly before?: Condition;
  /** How it must look afterwards. Without it any other state than `before` is taken for the step's work. */
  readonly after?: Condition;
  /** Absent where there is nothing to undo (a reset), or where it must not be undone: `irrevocable` says why. */
  readonly undo?: {
    readonly path: string;
    readonly value: string;
    /** Device nodes that nobody may have open, because the kernel would make the write wait for them. */
    readonly whenFree?: readonly string[];
    /** A folder of sysfs that is there by then, below which the kernel names more such nodes: `…/0000:01:00.0/vfio-dev`. */
    readonly whenFreeBelow?: string;
    /** A link that is there by then, and a folder: its node of the name that the link leads to is one more, `/dev/vfio/12`. */
    readonly whenFreeNamed?: { readonly link: string; readonly folder: string };
  };
  readonly irrevocable?: string;
}

/** A file with this content, on a disk: it outlives a reboot. What was there before is kept in the journal. */
export interface FileStep extends Step {
  readonly kind: 'file';
  readonly path: string;
  readonly content: string;
  /** Default: 0o644. */
  readonly mode?: number;
}

/** Who may open a device node. The earlier owner and mode are kept in the journal. */
export interface OwnerStep extends Step {
  readonly kind: 'owner';
  readonly path: string;
  readonly uid?: number;
  readonly gid?: number;
  /** The permission bits. */
  readonly mode?: number;
}

export type HostStep = WriteStep | FileStep | OwnerStep;

/** A process that was started and must not outlive its run: a QEMU holds the devices that are to be given back. */
export interface ChildRecord {
  readonly id: string;
  readonly what: string;
  readonly pid: number;
  /** Clock ticks since boot, field 22 of /proc/PID/stat. */
  readonly startTime: number;
}
