import type { Notice } from './notice.js';
import { readPacket } from './packet.js';
import { PacketReader } from './pcapng/reader.js';
import type { TransferRecord } from './transfer.js';

/** Transfers from the bytes of a capture, as they come: `add`, then `take` until it gives none. */
export class TransferReader {
  readonly #packets: PacketReader;
  readonly #notice: (notice: Notice) => void;

  constructor(onNotice: (notice: Notice) => void) {
    this.#notice = onNotice;
    this.#packets = new PacketReader((kind, message, offset) => onNotice({ kind, message, offset }));
  }

  /** Why this is no capture at all. */
  get refusal(): string | undefined {
    return this.#packets.refusal;
  }

  /** The chunk must stay as it is until `take` gave none. */
  add(chunk: Uint8Array): void {
    this.#packets.add(chunk);
  }

  /** No more will come; `take` may give more all the same. */
  finish(): void {
    this.#packets.finish();
  }

  take(most: number): TransferRecord[] {
    const packets = this.#packets;
    const records: TransferRecord[] = [];
    while (records.length < most && packets.next()) {
      const { start, end, offset, dropped, timeNs } = packets.packet;
      if (dropped > 0) {
        const message = `${dropped} transfers were lost before the one at byte ${offset}`;
        this.#notice({ kind: 'lost', message, offset, lost: dropped });
      }
      const record = readPacket(packets.bytes, packets.view, start, end, timeNs);
      if (typeof record !== 'string') records.push(record);
      else this.#notice(this.#other(record));
    }
    return records;
  }

  #other(reason: string): Notice {
    const { start, end, offset, originalLength } = this.#packets.packet;
    const message =
      originalLength > end - start
        ? `the packet at byte ${offset} was cut to ${end - start} of ${originalLength} bytes by what wrote it`
        : `the packet at byte ${offset} is no transfer: ${reason}`;
    return { kind: 'foreign', message, offset };
  }
}
