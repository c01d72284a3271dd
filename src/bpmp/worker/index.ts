export type { BpmpAnswer } from './ask.js';
export type {
  BridgeConfig,
  InterposedConfig,
  IvcConfig,
  NamedFd,
  TakeOver,
  VfioUserConfig,
} from './config.js';
export type { HandOver } from './hand-over.js';
export { BridgeHandle } from './handle.js';
export { leftHoldings, recoverHoldings } from './lazy-recover.js';
export type { BridgeEnded, BridgeMeasurements, BridgeReady, BridgeSnapshot, GuestView } from './messages.js';
export type { LeftHoldings, RecoveredHoldings, RecoverOptions } from './recover.js';
export { startBridge } from './start-bridge.js';
export { BridgeThread } from './thread.js';
