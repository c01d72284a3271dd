import { closeSync } from 'node:fs';

/** A descriptor with one owner: closing it twice closes it once, so a number that was reused is never hit. */
export class Descriptor {
  #fd: number;

  constructor(fd: number) {
    this.#fd = fd;
  }

  /** The descriptor's number, -1 once closed. */
  get fd(): number {
    return this.#fd;
  }

  close(): void {
    if (this.#fd < 0) return;
    const fd = this.#fd;
    this.#fd = -1;
    closeSync(fd);
  }
}
