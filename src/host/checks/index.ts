/** What is looked at on the host before a VM runs there. Each check reads below a sysroot, and changes nothing. */
import { bootParameters, headless, resetRequired } from './boot.js';
import type { Check, CheckedHost } from './check.js';
import { cpuCount, cpuPinning } from './cpus.js';
import { kernelConfig, kernelOptions, kernelVersion, seccompNotification } from './kernel.js';
import { freeMemory, hugepages } from './memory.js';
import { conflicts, modules } from './modules.js';
import { bpmpNode, kvmNode, tunNode, vhostNode } from './nodes.js';

export type { Check, CheckedHost, HostAccount, HostNeeds, Said } from './check.js';
export { isTegra } from './read.js';

/** In the order in which they are shown. */
export const hostChecks: readonly Check<CheckedHost>[] = [
  kernelVersion,
  kernelConfig,
  kernelOptions,
  seccompNotification,
  bootParameters,
  resetRequired,
  headless,
  modules,
  conflicts,
  kvmNode,
  bpmpNode,
  tunNode,
  vhostNode,
  freeMemory,
  hugepages,
  cpuCount,
  cpuPinning,
];
