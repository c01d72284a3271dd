import { WINDOW } from '../../../wire/index.js';

/**
 * The one copy of what the guest put into the window, and the reply's buffer. Everything that is checked or decided
 * is read from here: the window itself may change under our eyes.
 */
export class RequestCopy {
  readonly bytes = new Uint8Array(WINDOW.MRQ);
  readonly #view = new DataView(this.bytes.buffer);
  /** Views by length, made when first wanted, so that a transfer allocates nothing. */
  readonly #tx: Uint8Array[] = [];
  readonly #rx: Uint8Array[] = [];
  readonly #reply = new Uint8Array(WINDOW.PAYLOAD);

  /** Bytes of the request, or -1 where the register's 64 bits hold more than the window has. */
  get txSize(): number {
    return this.#size(WINDOW.TX_SIZE);
  }

  /** Room for the reply, or -1 as with {@link txSize}. */
  get rxSize(): number {
    return this.#size(WINDOW.RX_SIZE);
  }

  tx(size: number): Uint8Array {
    this.#tx[size] ??= this.bytes.subarray(WINDOW.TX, WINDOW.TX + size);
    return this.#tx[size] as Uint8Array;
  }

  /** A reply buffer of `size` zero bytes. */
  rx(size: number): Uint8Array {
    this.#rx[size] ??= this.#reply.subarray(0, size);
    return (this.#rx[size] as Uint8Array).fill(0);
  }

  #size(register: number): number {
    const low = this.#view.getUint32(register, true);
    const high = this.#view.getUint32(register + 4, true);
    return high === 0 && low <= WINDOW.PAYLOAD ? low : -1;
  }
}
