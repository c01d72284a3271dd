import type { VmFile } from './schema.js';

/** A VM file, read and checked: paths are absolute, sizes are bytes, times are ms. */
export interface VmConfig extends VmFile {
  /** The file it came from, as it was named. */
  readonly file: string;
}

export type BridgeChoice = VmFile['bridge'];
export type BackendChoice = VmFile['backend'];
export type StopTimes = VmFile['stop'];
