import type { WrittenPaths } from './resolve.js';
import type { VmFile } from './schema/index.js';

/** A VM file, read and checked: paths are absolute, sizes are bytes, times are ms. */
export interface VmConfig extends VmFile {
  /** The file it came from, as it was named. */
  readonly file: string;
  /** The relative paths of the file as it has them, by what they became; for showing them again. */
  readonly written?: WrittenPaths;
}

export type BridgeChoice = VmFile['bridge'];
export type BackendChoice = VmFile['backend'];
export type StopTimes = VmFile['stop'];
export type RestartChoice = VmFile['restart'];
export type CaptureChoice = NonNullable<VmFile['capture']>;
export type RestoreChoice = VmFile['restore'];
export type ReadyChoice = VmFile['ready'];
export type Hooks = VmFile['hooks'];
export type Hook = Hooks[keyof Hooks][number];
export type CpuPinning = NonNullable<VmFile['cpuPinning']>;
export type MemoryBackend = NonNullable<VmFile['memoryBackend']>;
export type Disk = VmFile['disks'][number];
export type Net = VmFile['nets'][number];
export type SerialPort = NonNullable<VmFile['serial']>[number];
export type UsbDevice = VmFile['usb'][number];
export type PlatformDevice = VmFile['platformDevices'][number];
export type PciDevice = VmFile['pciDevices'][number];
export type PlatformBusChoice = NonNullable<VmFile['platformBus']>;
