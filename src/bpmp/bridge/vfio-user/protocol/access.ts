import type { Device, Region } from './device.js';
import { Errno, invalid, RequestError } from './error.js';
import type { Frame } from './frame.js';
import { ACCESS_SIZE, HEADER_SIZE, MAX_TRANSFER } from './numbers.js';
import type { Reply } from './reply.js';

const P = HEADER_SIZE;
const DATA = HEADER_SIZE + ACCESS_SIZE;
/** Accesses up to this many bytes, which is all that a guest makes, use views that are made once. */
const CACHED = 64;

/** REGION_READ and REGION_WRITE: offset u64, region u32, count u32, then the data. */
export class Accesses {
  readonly #device: Device;
  readonly #reply: Reply;
  /** Views of the reply's data part by length. */
  readonly #into: Uint8Array[] = [];
  readonly #written = new Uint8Array(CACHED);
  readonly #data: Uint8Array[] = [];

  constructor(device: Device, reply: Reply) {
    this.#device = device;
    this.#reply = reply;
    for (let length = 0; length <= CACHED; length++) {
      this.#into.push(reply.bytes.subarray(DATA, DATA + length));
      this.#data.push(this.#written.subarray(0, length));
    }
  }

  read(frame: Frame): void {
    if (frame.payloadSize !== ACCESS_SIZE) throw invalid('REGION_READ has the wrong size');
    const count = frame.u32(P + 12);
    const region = this.#check(frame, count);
    if (!region.readable) throw new RequestError(Errno.EPERM, 'the region cannot be read');
    const into = this.#into[count] ?? this.#reply.bytes.subarray(DATA, DATA + count);
    into.fill(0);
    this.#device.read(frame.u32(P + 8), frame.u64(P), into);
    this.#begin(frame, count);
  }

  write(frame: Frame): void | Promise<void> {
    const count = frame.u32(P + 12);
    if (frame.payloadSize < ACCESS_SIZE || frame.payloadSize !== ACCESS_SIZE + count) {
      throw invalid('REGION_WRITE has the wrong size');
    }
    const region = this.#check(frame, count);
    if (!region.writable) throw new RequestError(Errno.EPERM, 'the region cannot be written');
    const pending = this.#device.write(frame.u32(P + 8), frame.u64(P), this.#dataOf(frame, count));
    if (pending !== undefined) return pending.then(() => this.#begin(frame, 0));
    this.#begin(frame, 0);
  }

  #dataOf(frame: Frame, count: number): Uint8Array {
    const data = this.#data[count];
    if (data === undefined) return frame.part(DATA, count);
    for (let i = 0, from = frame.at + DATA; i < count; i++)
      this.#written[i] = frame.bytes[from + i] as number;
    return data;
  }

  #check(frame: Frame, count: number): Region {
    const region = this.#device.regions[frame.u32(P + 8)];
    if (region === undefined) throw invalid('there is no such region');
    if (count === 0 || count > MAX_TRANSFER) throw invalid('an impossible count');
    // u64 is Infinity above 2^53, so the sum cannot wrap.
    if (frame.u64(P) + count > region.size) throw invalid('the access is beyond the region');
    return region;
  }

  #begin(frame: Frame, dataSize: number): void {
    const reply = this.#reply;
    reply.begin(frame, ACCESS_SIZE + dataSize);
    reply.u32(P, frame.u32(P));
    reply.u32(P + 4, frame.u32(P + 4));
    reply.u32(P + 8, frame.u32(P + 8));
    reply.u32(P + 12, frame.u32(P + 12));
  }
}
