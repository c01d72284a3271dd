export type { BridgeConfig, InterposedConfig, IvcConfig, VfioUserConfig } from './config.js';
export { BridgeHandle, startBridge } from './handle.js';
export { recoverHoldings } from './lazy-recover.js';
export type { BridgeEnded, BridgeReady, BridgeSnapshot, GuestView } from './messages.js';
export type { RecoveredHoldings, RecoverOptions } from './recover.js';
export { BridgeThread } from './thread.js';
