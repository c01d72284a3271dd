export type { BridgeConfig, InterposedConfig, IvcConfig, VfioUserConfig } from './config.js';
export { BridgeHandle, startBridge } from './handle.js';
export type { BridgeEnded, BridgeReady, BridgeSnapshot, GuestView } from './messages.js';
export { BridgeThread } from './thread.js';
