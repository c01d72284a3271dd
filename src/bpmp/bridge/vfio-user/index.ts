export { VfioUserBridge, type VfioUserBridgeOptions } from './bridge.js';
export { IvcBridge, type IvcBridgeOptions } from './ivc/bridge.js';
export type { NotifyResult } from './ivc/notifications.js';
export { IVC_DEVICES, IVC_SPI, type IvcAddresses, ivcBars } from './ivc/placement.js';
export { PciDevice, type PciDeviceOptions } from './pci/device.js';
export {
  type Device,
  Errno,
  InterruptFlag,
  type InterruptInfo,
  type InterruptSet,
  PciInterrupt,
  PciRegion,
  type Region,
  RequestError,
  type SharedAreas,
} from './protocol/index.js';
export { Connection, type ConnectionEnd } from './transport/connection.js';
export { Listener } from './transport/listener.js';
export { chooseLayout, type LayoutChoice } from './window/layout.js';
export {
  type BarFact,
  DEFAULT_WINDOW_ADDRESS,
  placeWindow,
  STRADDLING_OFFSET,
  WINDOW_DEVICE,
  type WindowLayout,
  type WindowPlacement,
  windowBars,
} from './window/placement.js';
