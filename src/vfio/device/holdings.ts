import { GpuvmError } from '../../errors.js';

type Closer = () => void;

/**
 * What is held of the kernel, as a tree: closed from the newest to the oldest, the children of each before itself. It
 * points at descriptors and mappings, never at the object that users have, so that one that nobody points at any more can
 * be told.
 */
export class Holdings {
  readonly what: string;
  readonly #closers = new Set<Closer>();
  readonly #parent: Holdings | undefined;
  readonly #asChild: Closer = () => this.close();
  #isClosed = false;

  constructor(what: string, parent?: Holdings) {
    this.what = what;
    this.#parent = parent;
    parent?.add(this.#asChild);
  }

  get isClosed(): boolean {
    return this.#isClosed;
  }

  add(closer: Closer): void {
    this.#closers.add(closer);
  }

  drop(closer: Closer): void {
    this.#closers.delete(closer);
  }

  /** Throws GPUVM_VFIO_CLOSED once closed. */
  requireOpen(): void {
    if (this.#isClosed)
      throw new GpuvmError('GPUVM_VFIO_CLOSED', `${this.what} was disposed of, and is used after that`);
  }

  /** Closes all of it, whatever of it fails, and throws the first failure then. */
  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#parent?.drop(this.#asChild);
    const failures: unknown[] = [];
    for (const closer of [...this.#closers].reverse()) {
      try {
        closer();
      } catch (error) {
        failures.push(error);
      }
    }
    this.#closers.clear();
    if (failures.length > 0) throw failures[0];
  }
}

const forgotten = new FinalizationRegistry<Holdings>((holdings) => {
  if (holdings.isClosed) return;
  process.emitWarning(
    `${holdings.what} was forgotten, and is closed only now: dispose of it when it is done with`,
    {
      type: 'GpuvmWarning',
      code: 'VFIO_FORGOTTEN',
    },
  );
  try {
    holdings.close();
  } catch (error) {
    process.emitWarning(error instanceof Error ? error : String(error));
  }
});

/** Warns once nobody points at the owner any more while its holdings are open, and closes them. */
export function watchForForgotten(owner: object, holdings: Holdings): void {
  forgotten.register(owner, holdings, holdings);
  holdings.add(() => forgotten.unregister(holdings));
}
