import type { KeyPath } from '../../config/index.js';
import type { Finding } from '../../finding.js';

/** A finding about a VM file, or about the host that it is planned for. */
export interface PlanFinding extends Finding {
  /** The part of the VM file that is at fault, where one is. */
  readonly at?: KeyPath;
  /**
   * `file`: the VM file asks for what cannot be. `unknown`: something that the plan needs could not be found out. `host`:
   * the host is not ready for it.
   */
  readonly about: 'file' | 'unknown' | 'host';
}

/** A device of the file, as messages name it: counted as people count. */
export function deviceAt(index: number): string {
  return `platformDevices[${index + 1}]`;
}
