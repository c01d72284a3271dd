import { addon } from '../../native/index.js';

/** The file begins with these words: what it is, of which version, and which bridge's. */
const MAGIC = 0x6776_7374;
const VERSION = 3;

/** Room for what a bridge keeps; then the simulated BPMP, the ledger where no file holds it, and the ring of transfers. */
export const BRIDGE_AT = 0x1000;
export const BRIDGE_ROOM = 0x7000;
export const MODEL_AT = 0x1_0000;
export const LEDGER_AT = 0x1_4000;
/** 32 bytes for each of 4096 records, as the ledger has them; its own module is not for the main thread to load. */
export const RING_AT = LEDGER_AT + 0x2_0000;
/** The ring's size, whose module is not for the main thread to load either. What is never written to costs nothing. */
const STATE_SIZE = RING_AT + 64 + 0x20_0000;

const kinds = ['interposed', 'vfio-user', 'ivc'] as const;
type Kind = (typeof kinds)[number];

/**
 * The small memory file that what must outlive the thread, or the whole process, is written to as it changes. Thread and
 * main thread have it mapped, and so has a successor that is handed its descriptor.
 */
export class StateMemory {
  readonly memory: ArrayBuffer;
  readonly #header: Int32Array;

  /** A new one, all zero; the caller owns its descriptor. */
  static create(): { readonly state: StateMemory; readonly fd: number } {
    const fd = addon().createMemory('gpuvm-state', STATE_SIZE);
    return { state: new StateMemory(fd), fd };
  }

  /** @param fd - stays the caller's */
  constructor(fd: number) {
    this.memory = addon().mapMemory(fd, STATE_SIZE);
    this.#header = new Int32Array(this.memory, 0, 4);
  }

  /** Claims a new one for a kind of bridge. */
  begin(kind: Kind): void {
    this.#header[1] = VERSION;
    this.#header[2] = kinds.indexOf(kind);
    this.#header[0] = MAGIC;
  }

  /** Why a bridge of this kind cannot go on with it; undefined where it can. */
  unfit(kind: Kind): string | undefined {
    const [magic, version, theirs] = this.#header;
    if (magic !== MAGIC) return 'its state memory holds nothing of gpuvm';
    if (version !== VERSION)
      return `its state memory is of version ${version}, and this gpuvm's is ${VERSION}`;
    if (kinds[theirs] !== kind) return `its state memory is that of a bridge ${kinds[theirs]}, not ${kind}`;
    return undefined;
  }
}
