/** What of the writes that nobody flushed is there after a power cut. A number is a seed: any of them, as a real disk may. */
export type Kept = 'nothing' | 'everything' | number;

export const SECTOR = 512;

export interface VolatileDiskOptions {
  /** What of the beginning is kept, or lost, together. */
  readonly undividedBytes?: number;
}

/**
 * A disk with a cache that a power cut empties: what was written is read back at once, and only a flush makes it stay.
 * Until then each sector has what it had, or anything that was written to it since, whatever became of its neighbours.
 */
export class VolatileDisk {
  readonly sizeBytes: number;
  readonly #durable: Map<number, Buffer>;
  /** Each sector's contents since the last flush, the oldest first. */
  readonly #unflushed = new Map<number, Buffer[]>();
  #flushes = 0;
  #writes = 0;

  readonly #undivided: number;

  private constructor(sizeBytes: number, durable: Map<number, Buffer>, undivided: number) {
    this.sizeBytes = sizeBytes;
    this.#durable = durable;
    this.#undivided = undivided;
  }

  static of(image: Buffer, { undividedBytes = 0 }: VolatileDiskOptions = {}): VolatileDisk {
    if (image.length % SECTOR !== 0) throw new RangeError(`${image.length} bytes are not whole sectors`);
    const disk = new VolatileDisk(image.length, new Map(), undividedBytes / SECTOR);
    disk.write(0, image);
    disk.flush();
    return disk;
  }

  /** How often it was flushed, by FUA too. */
  get flushes(): number {
    return this.#flushes;
  }

  /** How often it was written to. */
  get writes(): number {
    return this.#writes;
  }

  /** Sectors of which a power cut might lose something. */
  get unflushed(): number {
    return this.#unflushed.size;
  }

  read(offset: number, length: number): Buffer {
    const sectors = this.#sectors(offset, length);
    return Buffer.concat(
      sectors.map((at) => this.#unflushed.get(at)?.at(-1) ?? this.#durable.get(at) ?? EMPTY),
    );
  }

  write(offset: number, bytes: Buffer): void {
    for (const [index, at] of this.#sectors(offset, bytes.length).entries()) {
      // A copy: what it was received in may be used again.
      const content = Buffer.from(bytes.subarray(index * SECTOR, (index + 1) * SECTOR));
      const versions = this.#unflushed.get(at);
      if (versions) versions.push(content);
      else this.#unflushed.set(at, [content]);
    }
    this.#writes++;
  }

  flush(): void {
    for (const at of this.#unflushed.keys()) this.#settle(at);
    this.#flushes++;
  }

  /** Of this part alone, as a write with FUA does. */
  flushPart(offset: number, length: number): void {
    for (const at of this.#sectors(offset, length)) this.#settle(at);
    this.#flushes++;
  }

  /** What the disk would be if the power failed now. This one stays as it is. */
  afterCut(kept: Kept): VolatileDisk {
    const durable = new Map(this.#durable);
    const random = typeof kept === 'number' ? randomFrom(kept) : undefined;
    const isFirstKept = random ? random() < 0.5 : true;
    for (const [at, versions] of kept === 'nothing' ? [] : this.#unflushed) {
      // The last of them, or with a seed any, or none.
      const newest = versions.length - 1;
      const choice =
        random && at >= this.#undivided ? Math.floor(random() * (newest + 2)) - 1 : isFirstKept ? newest : -1;
      if (choice >= 0) durable.set(at, versions[choice]!);
    }
    return new VolatileDisk(this.sizeBytes, durable, this.#undivided);
  }

  image(): Buffer {
    return this.read(0, this.sizeBytes);
  }

  #settle(at: number): void {
    const content = this.#unflushed.get(at)?.at(-1);
    if (!content) return;
    this.#unflushed.delete(at);
    if (content.equals(EMPTY)) this.#durable.delete(at);
    else this.#durable.set(at, content);
  }

  #sectors(offset: number, length: number): number[] {
    if (offset % SECTOR !== 0 || length % SECTOR !== 0)
      throw new RangeError(`${length} bytes at ${offset} are not whole sectors`);
    if (offset < 0 || offset + length > this.sizeBytes)
      throw new RangeError(`${length} bytes at ${offset} are beyond the end (${this.sizeBytes})`);
    return Array.from({ length: length / SECTOR }, (_, index) => offset / SECTOR + index);
  }
}

const EMPTY = Buffer.alloc(SECTOR);

/** Numbers from 0 to 1, the same ones for the same seed (mulberry32). */
function randomFrom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
