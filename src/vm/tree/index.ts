export { type GuestTree, guestTree } from './guest-tree.js';
export type { Named } from './named.js';
