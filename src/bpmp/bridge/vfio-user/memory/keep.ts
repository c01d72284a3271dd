/** A descriptor that is kept for a successor. */
export interface NamedFd {
  readonly name: string;
  readonly fd: number;
}

/** What a bridge is kept in, and what of a former one it goes on with. */
export interface KeptIn {
  /** All zero for a new bridge. */
  readonly memory: ArrayBufferLike;
  /** A multiple of 8; from there `size` bytes are the bridge's. */
  readonly offset: number;
  readonly size: number;
  /** The former bridge's descriptors, which become this one's; absent where there was none. */
  readonly taken?: readonly NamedFd[];
  /** To be called when the descriptors that a successor needs have changed. */
  readonly onDescriptors: () => void;
}

/**
 * Memory that a bridge keeps its state in, handed out in pieces. A bridge of the same make asks for the same pieces in the
 * same order, and finds in them what its predecessor left, however that ended.
 */
export class Keep {
  /** Whether there is a predecessor. */
  readonly goesOn: boolean;
  readonly onDescriptors: () => void;
  readonly #in: KeptIn;
  #next: number;

  constructor(kept: KeptIn) {
    this.#in = kept;
    this.#next = kept.offset;
    this.goesOn = kept.taken !== undefined;
    this.onDescriptors = kept.onDescriptors;
  }

  words(count: number): Int32Array {
    return new Int32Array(this.#in.memory, this.#take(4 * count), count);
  }

  bytes(count: number): Uint8Array {
    return new Uint8Array(this.#in.memory, this.#take(count), count);
  }

  /** Notes what must be the same for a successor. Throws where this is one and it is not. */
  same(values: readonly number[]): void {
    const noted = this.words(values.length);
    if (!this.goesOn) noted.set(values);
    else if (values.some((value, index) => value !== noted[index])) {
      throw new Error(
        'the running guest has another layout than the configuration says: the VM must be ended',
      );
    }
  }

  /** A descriptor that the predecessor passed on. */
  taken(name: string): number | undefined {
    return this.#in.taken?.find((each) => each.name === name)?.fd;
  }

  /** As {@link taken}, of one without which the guest cannot be served. */
  needed(name: string): number {
    const fd = this.taken(name);
    if (fd === undefined) throw new Error(`the descriptor "${name}" was not kept: the VM must be ended`);
    return fd;
  }

  #take(size: number): number {
    const at = this.#next;
    this.#next += Math.ceil(size / 8) * 8;
    if (this.#next > this.#in.offset + this.#in.size)
      throw new RangeError('a bridge keeps more than there is room for');
    return at;
  }
}
