import { type Keep, type Layout, type NamedFd, type SharedAreas, SharedMemory } from '../library.js';
import { SRAM_PAGE } from './abi.js';

const SIZE = 2 * SRAM_PAGE;
const PAGES = 'ivc.pages';

/**
 * The SRAM's bytes. In the shared layout the guest changes all of them at any time and from any CPU: nothing that was
 * read here is the same the second time.
 */
export class IvcMemory {
  readonly bytes: Uint8Array;
  readonly #shared: SharedMemory | undefined;
  readonly #words: Int32Array;

  /** @param keep - where it outlives the process; by a former one, what it goes on with */
  constructor(layout: Layout, keep?: Keep) {
    const fd = layout === 'shared' && keep?.goesOn ? keep.needed(PAGES) : undefined;
    if (layout === 'shared') this.#shared = new SharedMemory('gpuvm-ivc', SIZE, fd);
    this.bytes = this.#shared?.bytes ?? keep?.bytes(SIZE) ?? new Uint8Array(SIZE);
    this.#words = new Int32Array(this.bytes.buffer, this.bytes.byteOffset, SIZE / 4);
  }

  /** What a successor needs, beside what is kept. */
  get descriptors(): NamedFd[] {
    const fd = this.#shared?.areas.fd;
    return fd === undefined ? [] : [{ name: PAGES, fd }];
  }

  /** What a client may map, in the shared layout. */
  get shared(): SharedAreas | undefined {
    return this.#shared?.areas;
  }

  /** One word, u32, read at once; `offset` is a multiple of 4. */
  load(offset: number): number {
    return Atomics.load(this.#words, offset >> 2) >>> 0;
  }

  /** Everything that was stored before is seen before it. */
  store(offset: number, value: number): void {
    Atomics.store(this.#words, offset >> 2, value | 0);
  }

  /** See {@link SharedMemory.maintain}. */
  maintain(range: Uint8Array): void {
    this.#shared?.maintain(range);
  }

  clear(): void {
    this.bytes.fill(0);
    this.maintain(this.bytes);
  }

  close(): void {
    this.#shared?.close();
  }
}
