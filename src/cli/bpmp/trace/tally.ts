import type { TransferRecord } from '../../../bpmp/capture/index.js';

/** How many transfers were read and shown. */
export class Tally {
  #read = 0;
  #shown = 0;
  readonly #verdicts = { allow: 0, deny: 0, absorb: 0, malformed: 0 };

  read(count: number): void {
    this.#read += count;
  }

  show({ verdict }: TransferRecord): number {
    this.#verdicts[verdict]++;
    return ++this.#shown;
  }

  /** `12 transfers, 3 of them shown: 1 allow, 2 deny` */
  get text(): string {
    const counts = Object.entries(this.#verdicts)
      .filter(([, count]) => count > 0)
      .map(([verdict, count]) => `${count} ${verdict}`);
    const shown = this.#shown === this.#read ? '' : `, ${this.#shown} of them shown`;
    const verdicts = counts.length === 0 ? '' : `: ${counts.join(', ')}`;
    return `${this.#read} ${this.#read === 1 ? 'transfer' : 'transfers'}${shown}${verdicts}`;
  }
}
