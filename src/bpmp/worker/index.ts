export type { BridgeConfig, InterposedConfig, VfioUserConfig } from './config.js';
export { BridgeHandle, startBridge } from './handle.js';
export type { BridgeEnded, BridgeReady, BridgeSnapshot } from './messages.js';
