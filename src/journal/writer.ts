import { GpuvmError } from '../errors.js';
import type { ProcessIdentity } from './identity.js';

/**
 * What makes the writes to sysfs. The one that is used writes from a child process and gives up after a deadline
 * (child-writer.ts); a test's acts as the kernel would on a tree of plain files.
 */
export interface SysfsWriter {
  /**
   * The process that will make the next write, where it is not this one. It goes into the journal: such a write may
   * still be made after the journal's owner was killed.
   */
  prepare(): Promise<ProcessIdentity | undefined>;
  /** Writes in one call, to a file that is there. Throws GPUVM_BIND with `errno` or `hung` in its details. */
  write(path: string, value: string): Promise<void>;
  close(): void;
}

/** Whether a write failed because the kernel did not come back from it. */
export function isHung(error: unknown): error is GpuvmError {
  return GpuvmError.is(error, 'GPUVM_BIND') && error.details.hung === true;
}
