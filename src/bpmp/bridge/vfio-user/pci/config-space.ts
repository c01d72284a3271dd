/** What a device says of itself in its configuration space. */
export interface PciIdentity {
  readonly vendor: number;
  readonly device: number;
  /** 24 bits: class, subclass, programming interface. */
  readonly classCode: number;
  readonly revision: number;
  /** Sizes of BAR 0 to 5 in bytes, powers of two, 0 for none; all are 32-bit memory. */
  readonly barSizes: readonly number[];
}

export const CONFIG_SPACE_SIZE = 256;

const COMMAND = 0x04;
const BAR0 = 0x10;
const INTERRUPT_LINE = 0x3c;
/** Memory decoding, bus master, INTx disable. */
const COMMAND_BITS = 0x0406;

/** 256 bytes of type 0 configuration space: each bit is either fixed, or keeps what the guest writes. */
export class ConfigSpace {
  readonly #bytes: Uint8Array;
  readonly #initial: Uint8Array;
  /** A 1 for each bit that the guest may write. */
  readonly #writable = new Uint8Array(CONFIG_SPACE_SIZE);

  /**
   * @param interruptPin - 1 for INTA, 0 for none
   * @param kept - where its bytes lie; as a former one left them, where that is what it goes on with
   */
  constructor(identity: PciIdentity, interruptPin: number, kept?: { bytes: Uint8Array; goesOn: boolean }) {
    const initial = new Uint8Array(CONFIG_SPACE_SIZE);
    this.#initial = initial;
    this.#bytes = kept?.bytes ?? new Uint8Array(CONFIG_SPACE_SIZE);
    const view = new DataView(initial.buffer);
    view.setUint16(0x00, identity.vendor, true);
    view.setUint16(0x02, identity.device, true);
    view.setUint32(0x08, ((identity.classCode << 8) | identity.revision) >>> 0, true);
    view.setUint16(0x2c, identity.vendor, true);
    view.setUint16(0x2e, identity.device, true);
    view.setUint8(0x3d, interruptPin);
    const writable = new DataView(this.#writable.buffer);
    writable.setUint16(COMMAND, COMMAND_BITS, true);
    writable.setUint8(INTERRUPT_LINE, 0xff);
    identity.barSizes.forEach((size, bar) => {
      // The address bits below the size are fixed at 0: that is how a guest learns the size.
      if (size > 0) writable.setUint32(BAR0 + 4 * bar, ~(size - 1) >>> 0, true);
    });
    if (kept?.goesOn !== true) this.#bytes.set(initial);
  }

  read(offset: number, into: Uint8Array): void {
    into.set(this.#bytes.subarray(offset, offset + into.length));
  }

  write(offset: number, data: Uint8Array): void {
    for (let i = 0; i < data.length; i++) {
      const mask = this.#writable[offset + i] as number;
      this.#bytes[offset + i] = ((this.#bytes[offset + i] as number) & ~mask) | ((data[i] as number) & mask);
    }
  }

  reset(): void {
    this.#bytes.set(this.#initial);
  }
}
