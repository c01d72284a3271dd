/** The overlay that takes a VM's devices from the host's drivers, for one host's tree. */
export { type HostOverlay, type HostOverlayRequest, makeHostOverlay } from './make.js';
export type { TakenDevice } from './take.js';
