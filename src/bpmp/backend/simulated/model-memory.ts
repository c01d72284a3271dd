const ALIGNMENT = 8;
/** The first word of memory that a model has begun in. */
const BEGUN = 0x73696d31;

interface TypedArray<T> {
  new (memory: ArrayBufferLike, offset: number, length: number): T;
  readonly BYTES_PER_ELEMENT: number;
}

/**
 * Memory that a model's arrays lie in, one after the other. Where it is a mapped file, a model that is made in it after
 * its process was killed goes on where that one was.
 */
export class ModelMemory {
  /** Whether another model has been here. */
  readonly goesOn: boolean;
  readonly #memory: ArrayBufferLike;
  readonly #header: Int32Array;
  #next: number;

  /** @param memory - all zero for a model from power-on; @param offset - a multiple of 8 */
  constructor(memory: ArrayBufferLike = new ArrayBuffer(MODEL_SIZE), offset = 0) {
    this.#memory = memory;
    this.#header = new Int32Array(memory, offset, 2);
    this.goesOn = this.#header[0] === BEGUN;
    this.#next = offset + ALIGNMENT;
  }

  take<T>(type: TypedArray<T>, length: number): T {
    const array = new type(this.#memory, this.#next, length);
    this.#next += Math.ceil((length * type.BYTES_PER_ELEMENT) / ALIGNMENT) * ALIGNMENT;
    return array;
  }

  /** Everything lies there as it is at power-on. */
  begun(): void {
    this.#header[0] = BEGUN;
  }
}

/** Room for all of it. */
export const MODEL_SIZE = 0x4000;
