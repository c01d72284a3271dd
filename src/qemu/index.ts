/** QEMU as a program: what it can do, its arguments, its process. */
export {
  askAccelerators,
  askDevice,
  askMachines,
  askVersion,
  type QemuVersion,
  requireVfioUser,
} from './abilities.js';
export {
  escapeOption,
  machineArguments,
  qemuArguments,
  type RuntimeArguments,
  supervisionArguments,
  type VmArgumentOptions,
  vmArguments,
} from './arguments/index.js';
export { askRegions, type MachineRegion } from './ask-regions.js';
export { type BarAddress, BOOT_STUB_ADDRESS, bootStub, bootStubArguments, PCI_WINDOW } from './boot-stub.js';
export { dumpTree } from './dump-tree.js';
export {
  type BusDevice,
  type BusExamination,
  type BusLayout,
  type BusProblem,
  type ExaminedDevice,
  examinePlatformBus,
  layoutPlatformBus,
  orinVirt,
  type PlacedDevice,
  type PlacedRegion,
  type PlatformBus,
  stockVirt,
} from './platform-bus/index.js';
export { type ProcessExit, type QemuCommand, type QemuFds, QemuProcess } from './process.js';
export { requireProgram } from './program.js';
export { machineTree } from './tree-cache.js';
export {
  type VfioUserArguments,
  type VfioUserDevice,
  type VfioUserDevices,
  vfioUserDevices,
  WINDOW_SLOT,
} from './vfio-user.js';
