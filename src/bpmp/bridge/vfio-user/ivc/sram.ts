import { type Keep, PciDevice } from '../library.js';
import { Queue, SRAM_PAGE } from './abi.js';
import type { IvcMemory } from './memory.js';
import { IVC_DEVICES } from './placement.js';

export interface SramEvents {
  /** A trapped write changed the header of this channel. */
  onHeader(channel: number): void;
  onReset(): void;
}

/** The two pages of channels, behind a BAR. */
export class SramDevice extends PciDevice {
  readonly counters = { sramReads: 0, sramWrites: 0 };
  readonly #memory: IvcMemory;
  readonly #events: SramEvents;

  /** @param keep - where it outlives the process */
  constructor(memory: IvcMemory, events: SramEvents, keep?: Keep) {
    const { vendor, device, classCode, bar, barSize } = IVC_DEVICES.sram;
    super({
      identity: { vendor, device, classCode, revision: 1, barSizes: [barSize] },
      ...(memory.shared === undefined ? {} : { shared: { [bar]: memory.shared } }),
      keep: keep && { in: keep, name: 'sram' },
    });
    this.#memory = memory;
    this.#events = events;
  }

  protected override readBar(_bar: number, offset: number, into: Uint8Array): void {
    this.counters.sramReads++;
    const range = this.#memory.bytes.subarray(offset, offset + into.length);
    this.#memory.maintain(range);
    into.set(range);
  }

  /**
   * The two devices are two connections, and nothing keeps the order between a write here and a doorbell there. So a
   * write that completes a word of a channel's header has the channel looked at as a doorbell would; a doorbell that
   * came too early is made good by it, and one that comes later finds nothing to do.
   */
  protected override writeBar(_bar: number, offset: number, data: Uint8Array): void {
    this.counters.sramWrites++;
    this.#memory.bytes.set(data, offset);
    this.#memory.maintain(this.#memory.bytes.subarray(offset, offset + data.length));
    for (const word of HEADER_WORDS) {
      // The first queue whose word lies at or after the write's start.
      const first = Math.ceil((offset - word) / Queue.SIZE) * Queue.SIZE + word;
      for (let at = first; at + 4 <= offset + data.length; at += Queue.SIZE) {
        this.#events.onHeader(Math.floor((at % SRAM_PAGE) / Queue.SIZE));
      }
    }
  }

  protected override resetBars(): void {
    this.#events.onReset();
  }
}

const HEADER_WORDS = [Queue.SENT, Queue.STATE, Queue.TAKEN];
