/**
 * vfio-user, server side: a PCI device in TypeScript for a VMM that speaks the protocol, such as QEMU 10.1 or newer.
 * Exported as `gpuvm/vfio-user`; docs/vfio-user.md tells how to use it. What is served on it is not here.
 */

export { Keep, type KeptIn, type NamedFd } from './memory/keep.js';
export {
  chooseSharing,
  type Layout,
  type LayoutChoice,
  type LayoutHost,
  SHARED_PAGE,
  thisHost,
} from './memory/layout.js';
export { SharedMemory } from './memory/shared-memory.js';
export type { PciIdentity } from './pci/config-space.js';
export { PciDevice, type PciDeviceOptions } from './pci/device.js';
export { IntxInterrupt } from './pci/intx.js';
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
export { listenAt } from './transport/listener.js';
export { DeviceServer, type ServerEnd } from './transport/server.js';
