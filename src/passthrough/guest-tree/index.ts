/** The guest's device tree: QEMU's own, with the host's devices in it where QEMU puts them. */
export { NEEDED_PARAMETERS } from './boot.js';
export { findPlatformBus, gicOf } from './bus.js';
export { addDevices, type GuestTreeReport, type GuestTreeRequest } from './compose.js';
export type { PropertyChange } from './copying.js';
export { nodeNameOf } from './device-node.js';
export { addressIn, HostNodeIndex, type HostNodes, isStandIn } from './host-nodes.js';
export type { FittedRegion } from './memory.js';
export { type GuestDevice, placeDevices } from './place.js';
export { type HostSource, type Resolved, type ResolvedDevice, resolveDevices, untold } from './resolve.js';
