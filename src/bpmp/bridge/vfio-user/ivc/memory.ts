import { addon, Descriptor } from '../../../../native/index.js';
import type { Layout } from '../layout.js';
import type { SharedAreas } from '../protocol/index.js';
import { SRAM_PAGE } from './abi.js';

const SIZE = 2 * SRAM_PAGE;

/**
 * The SRAM's bytes. In the shared layout the guest changes all of them at any time and from any CPU: nothing that was
 * read here is the same the second time.
 */
export class IvcMemory {
  /** What a client may map, in the shared layout. */
  readonly shared: SharedAreas | undefined;
  readonly bytes: Uint8Array;
  readonly #words: Int32Array;
  readonly #descriptor: Descriptor | undefined;
  readonly #maintains: boolean;

  constructor(layout: Layout) {
    if (layout === 'shared') {
      this.#descriptor = new Descriptor(addon().createMemory('gpuvm-ivc', SIZE));
      this.bytes = new Uint8Array(addon().mapMemory(this.#descriptor.fd, SIZE));
      this.shared = { fd: this.#descriptor.fd, areas: [{ offset: 0, size: SIZE }] };
    } else this.bytes = new Uint8Array(SIZE);
    this.#words = new Int32Array(this.bytes.buffer, this.bytes.byteOffset, SIZE / 4);
    this.#maintains = layout === 'shared' && addon().maintainsCache;
    // The kernel cleared the pages through the cache.
    this.maintain(this.bytes);
  }

  /** One word, u32, read at once; `offset` is a multiple of 4. */
  load(offset: number): number {
    return Atomics.load(this.#words, offset >> 2) >>> 0;
  }

  /** Everything that was stored before is seen before it. */
  store(offset: number, value: number): void {
    Atomics.store(this.#words, offset >> 2, value | 0);
  }

  /**
   * To be called before reading and after writing a range, on machines whose guests reach the memory past the cache.
   * Whole cache lines are written back, so a range must not share one with what the guest writes.
   */
  maintain(range: Uint8Array): void {
    if (this.#maintains) addon().maintainCache(range);
  }

  clear(): void {
    this.bytes.fill(0);
    this.maintain(this.bytes);
  }

  close(): void {
    this.#descriptor?.close();
  }
}
