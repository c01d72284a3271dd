export { type GuestTree, guestTree } from './guest-tree.js';
