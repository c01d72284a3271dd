/** A firmware's state as it tells it: clocks, power domains, resets, debug files. Knows nothing of where it is asked. */
export { type ClockState, readClock, readClocks } from './clocks.js';
export { type DebugEntry, listDirectory, readDebugFile } from './debug-files.js';
export {
  type Answer,
  Firmware,
  type FirmwareOptions,
  type Question,
  type Reply,
  type Transfer,
} from './firmware.js';
export { type DomainState, readDomain, readDomains, readResets } from './resources.js';
export { type Branch, clockTree, globMatcher, withAncestors } from './tree.js';
