import { addon, Descriptor } from '../../../../native/index.js';
import type { SharedAreas } from '../protocol/index.js';

/**
 * Memory that a client maps, and its guest reaches without a message. The guest changes it at any time and from any
 * CPU: read what matters once, into a copy, and look at the copy.
 */
export class SharedMemory {
  readonly bytes: Uint8Array;
  /** All of it, for a region's `shared`. */
  readonly areas: SharedAreas;
  readonly #descriptor: Descriptor;
  readonly #maintains = addon().maintainsCache;

  /**
   * A sealed memory file, all zero.
   * @param name - shown in /proc/PID/maps; @param size - in bytes, a multiple of the page size
   * @param fd - @internal one that a former process made, with what is in it; it becomes this one's
   */
  constructor(name: string, size: number, fd?: number) {
    this.#descriptor = new Descriptor(fd ?? addon().createMemory(name, size));
    this.bytes = new Uint8Array(addon().mapMemory(this.#descriptor.fd, size));
    this.areas = { fd: this.#descriptor.fd, areas: [{ offset: 0, size }] };
    // The kernel cleared the pages through the cache.
    this.maintain(this.bytes);
  }

  /**
   * To be called before reading and after writing a range, on machines whose guests reach the memory past the cache;
   * does nothing on others. Whole cache lines are written back, so a range must share none with what the guest writes.
   */
  maintain(range: Uint8Array): void {
    if (this.#maintains) addon().maintainCache(range);
  }

  /** Closes the descriptor; the memory itself stays until nobody has it mapped any more. */
  close(): void {
    this.#descriptor.close();
  }
}
