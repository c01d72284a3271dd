export { IvcBridge, type IvcBridgeOptions } from './ivc/bridge.js';
export type { NotifyResult } from './ivc/notifications.js';
export { IVC_DEVICES, IVC_MISC, IVC_SPI, type IvcAddresses, ivcBars } from './ivc/placement.js';
export type { KeptIn, Layout, LayoutChoice } from './library.js';
export { listenAt } from './library.js';
export type { BarFact } from './placement.js';
export { VfioUserBridge, type VfioUserBridgeOptions } from './window/bridge.js';
export { chooseLayout } from './window/layout.js';
export {
  DEFAULT_WINDOW_ADDRESS,
  placeWindow,
  STRADDLING_OFFSET,
  WINDOW_DEVICE,
  type WindowLayout,
  type WindowPlacement,
  windowBars,
} from './window/placement.js';
