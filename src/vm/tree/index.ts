export { describesDevices } from './describes.js';
export { type GuestTree, guestTree, type TreeSources } from './guest-tree.js';
export type { Named } from './named.js';
