import type { VfioMappingHandle } from '../../native/index.js';
import type { Accessible, Offset } from './accessible.js';
import { type AccessWidth, accessAt, accessValue, widestFor, width, wrong } from './arguments.js';
import { asking } from './failure.js';
import type { Holdings } from './holdings.js';

/** What Node 20's typed arrays reach. */
const MOST_BUFFER_BYTES = 1n << 32n;

/** Memory that is mapped into this process until it is disposed of. */
export abstract class MappedBytes implements Accessible {
  readonly sizeBytes: bigint;
  readonly #handle: VfioMappingHandle;
  readonly #holdings: Holdings;
  #buffer: ArrayBuffer | undefined;

  /** The holdings close the handle. */
  protected constructor(handle: VfioMappingHandle, sizeBytes: bigint, holdings: Holdings) {
    this.#handle = handle;
    this.#holdings = holdings;
    this.sizeBytes = sizeBytes;
  }

  get isDisposed(): boolean {
    return this.#holdings.isClosed;
  }

  read(offset: Offset, width: 1 | 2 | 4): number;
  read(offset: Offset, width: 8): bigint;
  read(offset: Offset, unit: AccessWidth): number | bigint {
    const at = this.#at(offset, unit, width(unit));
    return asking(this.#holdings.what, () => this.#handle.read(at, unit));
  }

  write(offset: Offset, unit: AccessWidth, value: number | bigint): void {
    const at = this.#at(offset, unit, width(unit));
    const checked = accessValue(value, unit);
    asking(this.#holdings.what, () => this.#handle.write(at, unit, checked));
  }

  readBytes(offset: Offset, lengthBytes: number, unit?: AccessWidth): Uint8Array {
    if (!Number.isSafeInteger(lengthBytes) || lengthBytes < 0) throw wrong('a length is a whole number');
    const [at, chosen] = this.#rowAt(offset, lengthBytes, unit);
    const into = new Uint8Array(lengthBytes);
    asking(this.#holdings.what, () => this.#handle.copyOut(at, into, chosen));
    return into;
  }

  writeBytes(offset: Offset, bytes: Uint8Array, unit?: AccessWidth): void {
    const [at, chosen] = this.#rowAt(offset, bytes.byteLength, unit);
    asking(this.#holdings.what, () => this.#handle.copyIn(at, bytes, chosen));
  }

  /**
   * All of it as one buffer, the same each time, empty once this is disposed of. What JavaScript does with it is not in
   * accesses of a known width: for registers use {@link read} and {@link write}. At most 4 GiB.
   */
  get buffer(): ArrayBuffer {
    this.#holdings.requireOpen();
    if (this.sizeBytes > MOST_BUFFER_BYTES)
      throw wrong(`${this.#holdings.what}: a buffer has 4 GiB at the most: map parts of it`);
    this.#buffer ??= asking(this.#holdings.what, () => this.#handle.buffer());
    return this.#buffer;
  }

  dispose(): void {
    this.#buffer = undefined;
    this.#holdings.close();
  }

  [Symbol.dispose](): void {
    this.dispose();
  }

  #at(offset: Offset, bytes: number, unit: AccessWidth): bigint {
    this.#holdings.requireOpen();
    return accessAt(offset, bytes, unit, this.sizeBytes, this.#holdings.what);
  }

  #rowAt(offset: Offset, bytes: number, unit: AccessWidth | undefined): [at: bigint, unit: AccessWidth] {
    const start = this.#at(offset, bytes, 1);
    const chosen = unit === undefined ? widestFor(start, bytes) : width(unit);
    return [this.#at(start, bytes, chosen), chosen];
  }
}
