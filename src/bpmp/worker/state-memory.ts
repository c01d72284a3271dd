import { addon } from '../../native/index.js';

/** Room for what a bridge keeps; behind it lies the log of decisions. */
export const RECENT_AT = 0x8000;
export const STATE_SIZE = 0x10000;

/**
 * The small memory file that what must outlive the thread, or the whole process, is written to as it changes. Thread and
 * main thread have it mapped, and so has a successor that is handed its descriptor.
 */
export class StateMemory {
  readonly memory: ArrayBuffer;

  /** A new one, all zero; the caller owns its descriptor. */
  static create(): { readonly state: StateMemory; readonly fd: number } {
    const fd = addon().createMemory('gpuvm-state', STATE_SIZE);
    return { state: new StateMemory(fd), fd };
  }

  /** @param fd - stays the caller's */
  constructor(fd: number) {
    this.memory = addon().mapMemory(fd, STATE_SIZE);
  }
}
