/** What follows for a passed-through device from the host's tree, the VM file, QEMU's own tree and the computed layout. */
export * from './allow-list/index.js';
export * from './analysis/index.js';
export * from './check/index.js';
export * from './guest-tree/index.js';
export * from './host-overlay/index.js';
export * from './names.js';
export * from './profiles/index.js';
