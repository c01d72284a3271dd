/** Where QEMU's machine `virt` puts the devices of its platform bus. */
export {
  type BusDevice,
  type BusLayout,
  orinVirt,
  type PlacedDevice,
  type PlacedRegion,
  type PlatformBus,
  stockVirt,
} from './bus.js';
export {
  type BusExamination,
  type BusProblem,
  type ExaminedDevice,
  examinePlatformBus,
} from './examine.js';
export { layoutPlatformBus } from './layout.js';
