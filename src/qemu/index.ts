/** QEMU as a program: what it can do, its arguments, its process. */
export { askDevice, askMachines, askVersion, type QemuVersion, requireVfioUser } from './abilities.js';
export { escapeOption, qemuArguments, type RuntimeArguments } from './arguments.js';
export { type BarAddress, BOOT_STUB_ADDRESS, bootStub, bootStubArguments, PCI_WINDOW } from './boot-stub.js';
export { type ProcessExit, type QemuCommand, QemuProcess } from './process.js';
export {
  type VfioUserArguments,
  type VfioUserWindow,
  vfioUserDevice,
  vfioUserWindow,
} from './vfio-user-window.js';
