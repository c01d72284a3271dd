import { BPMP_BIT } from './abi.js';

/** The CCPLEX doorbell: how the guest is rung. */
export class Doorbell {
  /** Enabled, raw, and whether it was rung since the guest last saw it pending. */
  readonly #words: Int32Array;

  /** @param words - where it is kept; as a former one left it */
  constructor(words: Int32Array = new Int32Array(3)) {
    this.#words = words;
  }

  get #enabled(): number {
    return this.#words[0];
  }
  set #enabled(bits: number) {
    this.#words[0] = bits;
  }
  get #raw(): number {
    return this.#words[1];
  }
  set #raw(bits: number) {
    this.#words[1] = bits;
  }
  get #isNew(): boolean {
    return this.#words[2] === 1;
  }
  set #isNew(isNew: boolean) {
    this.#words[2] = isNew ? 1 : 0;
  }

  /**
   * The interrupt's level. A guest that has read PENDING looks at every channel after it: to tell it again would be an
   * interrupt for nothing. QEMU takes the pin down at each access to the device, by whichever CPU, so before that
   * reading it must go up again.
   */
  get isWanted(): boolean {
    return this.#isNew && this.pending !== 0;
  }
  get enabled(): number {
    return this.#enabled >>> 0;
  }
  get raw(): number {
    return this.#raw >>> 0;
  }
  get pending(): number {
    return (this.#raw & this.#enabled) >>> 0;
  }

  ring(): void {
    this.#raw |= BPMP_BIT;
    this.#isNew = true;
  }
  /** The guest has read PENDING. */
  seen(): void {
    if (this.pending !== 0) this.#isNew = false;
  }
  enable(bits: number): void {
    this.#enabled = bits;
  }
  /**
   * Ones clear. A guest clears what it has read, and need not wait for that to arrive here: by then the doorbell may have
   * been rung again, for an answer that the guest has not looked for, and that ring stays.
   */
  clear(bits: number): void {
    this.#raw &= this.#isNew ? ~bits | BPMP_BIT : ~bits;
  }
  powerOn(): void {
    this.#enabled = 0;
    this.#raw = 0;
    this.#isNew = false;
  }
}
