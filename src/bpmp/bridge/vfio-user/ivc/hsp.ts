import { type Keep, PciDevice } from '../library.js';
import { CCPLEX_BIT, CHIP_ID, HSP_DIMENSIONS, Hsp } from './abi.js';
import { Doorbell } from './doorbell.js';
import { IVC_DEVICES } from './placement.js';

/** What the HSP does to the rest. */
export interface HspEvents {
  /** The guest rang the BPMP's doorbell. */
  onRing(): void;
  onReset(): void;
}

/**
 * The HSP as far as the BPMP's drivers use it. Registers are 32 bits wide: they read as part of any access, and are
 * written by one that covers the whole of them. Everything else reads 0 and forgets what is written.
 */
export class HspDevice extends PciDevice {
  readonly counters = { doorbells: 0, hspReads: 0, hspWrites: 0 };
  readonly #doorbell: Doorbell;
  readonly #events: HspEvents;

  /** @param keep - where it outlives the process */
  constructor(events: HspEvents, keep?: Keep) {
    const { vendor, device, classCode, barSize } = IVC_DEVICES.hsp;
    super({
      identity: { vendor, device, classCode, revision: 1, barSizes: [barSize] },
      hasInterrupt: true,
      keep: keep && { in: keep, name: 'hsp' },
    });
    this.#doorbell = new Doorbell(keep?.words(3));
    this.#events = events;
  }

  /** Rings the guest. */
  ring(): void {
    this.#doorbell.ring();
    this.updateInterrupt();
  }

  protected override isInterruptWanted(): boolean {
    return this.#doorbell.isWanted;
  }

  protected override readBar(_bar: number, offset: number, into: Uint8Array): void {
    this.counters.hspReads++;
    for (const register of READABLE) {
      if (offset >= register + 4 || offset + into.length <= register) continue;
      const value = this.#value(register);
      for (let i = 0; i < 4; i++) {
        const at = register + i - offset;
        if (at >= 0 && at < into.length) into[at] = value >>> (8 * i);
      }
      if (register === Hsp.CCPLEX_PENDING) this.#doorbell.seen();
    }
  }

  protected override writeBar(_bar: number, offset: number, data: Uint8Array): void {
    this.counters.hspWrites++;
    for (const register of WRITABLE) {
      const at = register - offset;
      if (at < 0 || at + 4 > data.length) continue;
      const low = (data[at] as number) | ((data[at + 1] as number) << 8);
      this.#write(register, low | ((data[at + 2] as number) << 16) | ((data[at + 3] as number) << 24));
    }
  }

  protected override resetBars(): void {
    this.#doorbell.powerOn();
    this.#events.onReset();
  }

  #value(register: number): number {
    switch (register) {
      case Hsp.DIMENSIONING:
        return HSP_DIMENSIONS;
      case Hsp.CCPLEX_ENABLE:
        return this.#doorbell.enabled;
      case Hsp.CCPLEX_RAW:
        return this.#doorbell.raw;
      case Hsp.CCPLEX_PENDING:
        return this.#doorbell.pending;
      case Hsp.CHIP_ID:
        return CHIP_ID;
      default:
        // That the guest may ring.
        return CCPLEX_BIT;
    }
  }

  #write(register: number, value: number): void {
    if (register === Hsp.BPMP_TRIGGER) {
      this.counters.doorbells++;
      this.#events.onRing();
    } else if (register === Hsp.CCPLEX_ENABLE) {
      this.#doorbell.enable(value);
      this.updateInterrupt();
    } else this.#doorbell.clear(value);
  }
}

const READABLE = [
  Hsp.DIMENSIONING,
  Hsp.CCPLEX_ENABLE,
  Hsp.CCPLEX_RAW,
  Hsp.CCPLEX_PENDING,
  Hsp.BPMP_ENABLE,
  Hsp.CHIP_ID,
];
const WRITABLE = [Hsp.CCPLEX_ENABLE, Hsp.CCPLEX_PENDING, Hsp.BPMP_TRIGGER];
