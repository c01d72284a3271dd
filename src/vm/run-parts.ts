import type { EventEmitter } from 'node:events';
import type { VmConfig } from '../config/index.js';
import type { QemuProcess } from '../qemu/index.js';
import type { GuestBridge } from './guest-bridge.js';
import type { Monitor } from './monitor.js';
import type { RuntimeFolder } from './runtime-folder.js';
import type { Stopping } from './stopping.js';
import type { VmEvents, VmOptions, VmState } from './vm-events.js';

/** What one run of a VM is made of, for whoever brings it up. */
export interface RunParts {
  readonly config: VmConfig;
  readonly options: VmOptions;
  readonly folder: RuntimeFolder;
  readonly bridge: GuestBridge;
  readonly monitor: Monitor;
  readonly stopping: Stopping;
  /** Aborted where nothing comes of the start, with why. */
  readonly abandon: AbortController;
  readonly tell: EventEmitter<VmEvents>;
  enter(state: VmState): void;
  /** There is a QEMU from here on, to be looked after to its end. */
  attach(qemu: QemuProcess): void;
}
