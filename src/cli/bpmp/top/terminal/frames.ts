/**
 * Writes pictures one after the other to what may be slow: while one is on its way none else is made, and then the
 * newest only. A terminal that stands still (a stalled ssh, Ctrl-S) costs no memory and holds nothing up.
 */
export class Frames {
  readonly #make: () => string;
  readonly #write: (text: string) => Promise<void>;
  #isWriting = false;
  #isWanted = false;

  constructor(make: () => string, write: (text: string) => Promise<void>) {
    this.#make = make;
    this.#write = write;
  }

  /** There is something new to show. */
  draw(): void {
    this.#isWanted = true;
    if (!this.#isWriting) void this.#go();
  }

  async #go(): Promise<void> {
    this.#isWriting = true;
    try {
      while (this.#isWanted) {
        this.#isWanted = false;
        const text = this.#make();
        if (text !== '') await this.#write(text);
      }
    } finally {
      this.#isWriting = false;
    }
  }
}
