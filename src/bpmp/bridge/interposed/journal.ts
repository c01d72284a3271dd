import { fstatSync } from 'node:fs';
import { addon, SlotLayout } from '../../../native/index.js';
import type { Complete } from './options.js';

export interface Journal {
  readonly fd: number;
  readonly memory: ArrayBuffer;
}

/**
 * The memory file that the slots lie in. The kernel writes each call's number right into it, so a successor that has the
 * file knows every call that was received and not answered, however this process ended.
 */
export function openJournal(options: Complete): Journal {
  if ('takeOver' in options) {
    const fd = options.takeOver.journalFd;
    return { fd, memory: addon().mapMemory(fd, fstatSync(fd).size) };
  }
  const size = (options.maxInFlight + 1) * SlotLayout.SIZE;
  const fd = addon().createMemory('gpuvm-transfers', size);
  return { fd, memory: addon().mapMemory(fd, size) };
}
