import { packetSize } from '../packet.js';
import type { TransferRecord } from '../transfer.js';
import type { Extras } from '../writer.js';

/** Something to be written: a transfer, or whole blocks with the transfers of the first VM. */
export type Item =
  | { readonly record: TransferRecord; readonly extras: Extras }
  | { readonly blocks: Uint8Array; readonly records: number; readonly dropped: number; done(): void };

/** Of items that were taken, so many stay in the list before it is made shorter. */
const TAKEN_KEPT = 1024;

/** What waits to be written, in memory that has a limit. */
export class Queue {
  readonly #most: number;
  #items: Item[] = [];
  #at = 0;
  #bytes = 0;

  constructor(most: number) {
    this.#most = most;
  }

  get isEmpty(): boolean {
    return this.#at === this.#items.length;
  }

  get isFull(): boolean {
    return this.#bytes >= this.#most;
  }

  get first(): Item | undefined {
    return this.#items[this.#at];
  }

  add(item: Item): void {
    this.#items.push(item);
    this.#bytes += sizeOf(item);
  }

  take(): void {
    this.#bytes -= sizeOf(this.#items[this.#at]);
    this.#at++;
    if (this.#at < this.#items.length && this.#at < TAKEN_KEPT) return;
    this.#items.splice(0, this.#at);
    this.#at = 0;
  }

  /** Leaves the item where it is, and of it only what is not written yet. */
  replaceFirst(item: Item): void {
    this.#bytes += sizeOf(item) - sizeOf(this.#items[this.#at]);
    this.#items[this.#at] = item;
  }

  /** Forgets everything; how many transfers that were. */
  clear(): number {
    let records = 0;
    for (const item of this.#items.slice(this.#at)) {
      records += 'record' in item ? 1 : item.records;
      if ('done' in item) item.done();
    }
    this.#items = [];
    this.#at = 0;
    this.#bytes = 0;
    return records;
  }
}

function sizeOf(item: Item): number {
  return 'record' in item ? packetSize(item.record) + 256 : item.blocks.length;
}
