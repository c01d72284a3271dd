export type { VmBridge } from './bridge.js';
export { type BridgeOptions, openBridge } from './open.js';
