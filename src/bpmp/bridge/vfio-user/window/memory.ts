import { WINDOW } from '../../../wire/index.js';
import type { NamedFd } from '../../bridge.js';
import type { Keep } from '../library.js';
import { SHARED_PAGE, type SharedAreas, SharedMemory } from '../library.js';
import type { WindowLayout } from './placement.js';

const PAGE = 'window.page';

/**
 * The window's bytes. In the shared layout those below the MRQ register are memory that the guest changes at any
 * time and from any CPU: read them once, through {@link WindowMemory.copyBelow}, and look at the copy.
 */
export class WindowMemory {
  /** Offsets 0 to 0x4ff. */
  readonly #below: Uint8Array;
  /** Offsets 0x500 to 0x5ff; never shared. */
  readonly #above: Uint8Array;
  readonly #page: SharedMemory | undefined;

  /** @param keep - where it outlives the process; by a former one, what it goes on with */
  constructor(layout: WindowLayout, windowOffset: number, keep?: Keep) {
    this.#above = keep?.bytes(WINDOW.SIZE - WINDOW.MRQ) ?? new Uint8Array(WINDOW.SIZE - WINDOW.MRQ);
    if (layout === 'trapped') {
      this.#below = keep?.bytes(WINDOW.MRQ) ?? new Uint8Array(WINDOW.MRQ);
      return;
    }
    const fd = keep?.goesOn ? keep.needed(PAGE) : undefined;
    this.#page = new SharedMemory('gpuvm-window', SHARED_PAGE, fd);
    this.#below = this.#page.bytes.subarray(windowOffset, windowOffset + WINDOW.MRQ);
  }

  /** What a successor needs, beside what is kept. */
  get descriptors(): NamedFd[] {
    const fd = this.#page?.areas.fd;
    return fd === undefined ? [] : [{ name: PAGE, fd }];
  }

  /** What a client may map of the BAR, in the shared layout. */
  get shared(): SharedAreas | undefined {
    return this.#page?.areas;
  }

  /** Reads the part of `into` that falls into the window; `offset` is into the window and may be negative. */
  read(offset: number, into: Uint8Array): void {
    for (let i = 0; i < into.length; i++) into[i] = this.#byte(offset + i);
  }

  /** Writes the part of `data` that falls into the window. */
  write(offset: number, data: Uint8Array): void {
    for (let i = 0; i < data.length; i++) {
      const at = offset + i;
      if (at < 0 || at >= WINDOW.SIZE) continue;
      if (at < WINDOW.MRQ) this.#below[at] = data[i] as number;
      else this.#above[at - WINDOW.MRQ] = data[i] as number;
    }
  }

  #byte(at: number): number {
    if (at < 0 || at >= WINDOW.SIZE) return 0;
    return (at < WINDOW.MRQ ? this.#below[at] : this.#above[at - WINDOW.MRQ]) as number;
  }

  /** The MRQ register, u32. */
  get mrq(): number {
    const b = this.#above;
    return (
      ((b[0] as number) | ((b[1] as number) << 8) | ((b[2] as number) << 16) | ((b[3] as number) << 24)) >>> 0
    );
  }

  /** One copy of everything below the MRQ register into `copy`, which is that long. */
  copyBelow(copy: Uint8Array): void {
    this.#page?.maintain(this.#below);
    copy.set(this.#below);
  }

  /** Puts a reply where the guest reads it, and where it stays after the next cache line is dropped. */
  store(offset: number, bytes: Uint8Array): void {
    this.#below.set(bytes, offset);
  }

  /** To be called after the last {@link store} of a reply. */
  publish(): void {
    this.#page?.maintain(this.#below);
  }

  clear(): void {
    this.#above.fill(0);
    if (this.#page === undefined) this.#below.fill(0);
    else {
      this.#page.bytes.fill(0);
      this.#page.maintain(this.#page.bytes);
    }
  }

  close(): void {
    this.#page?.close();
  }
}
