import { setTimeout as after } from 'node:timers';
import type { Outcome } from '../../../backend/backend.js';
import { BpmpError, WINDOW } from '../../../wire/index.js';
import type { RequestHandler } from '../../bridge.js';
import { isRepeatable } from '../../repeatable.js';
import type { Keep } from '../library.js';
import { PciDevice } from '../library.js';
import type { WindowMemory } from './memory.js';
import { WINDOW_DEVICE } from './placement.js';
import { RequestCopy } from './request.js';

export interface WindowDeviceOptions {
  readonly handler: RequestHandler;
  readonly memory: WindowMemory;
  /** Where in the BAR the window starts. */
  readonly windowOffset: number;
  /** How long the guest's CPU may be kept waiting for an outcome. */
  readonly deadlineMs: number;
  /** Where its state outlives the process. */
  readonly keep?: Keep | undefined;
  /** How far the transfer under way has come, where that is kept: one word of {@link Transfer}. */
  readonly mark?: Int32Array | undefined;
}

/** How far a transfer has come, for a successor that finds its frame neither handled nor untouched. */
const Transfer = { NONE: 0, HANDED: 1, ANSWERED: 2 } as const;

/** The BPMP window as a PCI device: a write that covers the MRQ register is a transfer. */
export class WindowDevice extends PciDevice {
  readonly counters = {
    trappedReads: 0,
    trappedWrites: 0,
    transfers: 0,
    txBytes: 0,
    rxBytes: 0,
    malformed: 0,
    late: 0,
    repeated: 0,
    abandoned: 0,
  };
  readonly #handler: RequestHandler;
  readonly #memory: WindowMemory;
  readonly #windowOffset: number;
  readonly #deadlineMs: number;
  readonly #mark: Int32Array;
  readonly #isMarked: boolean;
  #request = new RequestCopy();
  /** Counts resets: an outcome from before one is no business of the guest after it. */
  #life = 0;
  readonly #answer = new Uint8Array(12);
  readonly #answerView = new DataView(this.#answer.buffer);

  constructor({ handler, memory, windowOffset, deadlineMs, keep, mark }: WindowDeviceOptions) {
    super({
      identity: { ...WINDOW_DEVICE, revision: 1, barSizes: [WINDOW_DEVICE.barSize] },
      ...(memory.shared === undefined ? {} : { shared: { [WINDOW_DEVICE.bar]: memory.shared } }),
      keep: keep && { in: keep, name: 'window' },
    });
    this.#isMarked = mark !== undefined;
    this.#mark = mark ?? new Int32Array(1);
    this.#handler = handler;
    this.#memory = memory;
    this.#windowOffset = windowOffset;
    this.#deadlineMs = deadlineMs;
  }

  protected override readBar(_bar: number, offset: number, into: Uint8Array): void {
    this.counters.trappedReads++;
    this.#memory.read(offset - this.#windowOffset, into);
  }

  protected override writeBar(_bar: number, offset: number, data: Uint8Array): void | Promise<void> {
    this.counters.trappedWrites++;
    const at = offset - this.#windowOffset;
    this.#memory.write(at, data);
    if (at <= WINDOW.MRQ && at + data.length > WINDOW.MRQ) return this.#transfer();
  }

  protected override resetBars(): void {
    this.#life++;
    this.#request = new RequestCopy();
    this.#memory.clear();
  }

  #transfer(): void | Promise<void> {
    const stage = this.#isMarked ? this.#mark[0] : Transfer.NONE;
    // A former process put the outcome into the window, and died before it said so.
    if (stage === Transfer.ANSWERED) return;
    this.counters.transfers++;
    const request = this.#request;
    this.#memory.copyBelow(request.bytes);
    const mrq = this.#memory.mrq;
    const { txSize, rxSize } = request;
    if (txSize < 0 || rxSize < 0) {
      this.counters.malformed++;
      const what = txSize < 0 ? 'tx' : 'rx';
      const outcome = this.#handler.malformed(mrq, `the window's ${what} size is over 512 bytes`);
      return this.#store(outcome.ret);
    }
    if (stage === Transfer.HANDED) {
      if (!isRepeatable(mrq)) {
        this.counters.abandoned++;
        return this.#store(BpmpError.EIO);
      }
      this.counters.repeated++;
    }
    this.#mark[0] = Transfer.HANDED;
    this.counters.txBytes += txSize;
    const rx = request.rx(rxSize);
    const outcome = this.#handler.handle(mrq, request.tx(txSize), rx);
    if (outcome instanceof Promise) return this.#await(outcome, rx);
    this.#reply(outcome, rx);
  }

  /** The guest's CPU stands still meanwhile, so an outcome that takes too long is answered in its place. */
  async #await(pending: Promise<Outcome>, rx: Uint8Array): Promise<void> {
    const life = this.#life;
    let timer: NodeJS.Timeout | undefined;
    const deadline = new Promise<undefined>((resolve) => {
      timer = after(() => resolve(undefined), this.#deadlineMs);
    });
    const outcome = await Promise.race([pending.catch(failed), deadline]);
    clearTimeout(timer);
    if (outcome === undefined) this.counters.late++;
    if (life !== this.#life) return;
    if (outcome !== undefined) return this.#reply(outcome, rx);
    // The buffers are still the handler's: the next request gets others.
    this.#request = new RequestCopy();
    this.#store(BpmpError.ETIMEDOUT);
  }

  #reply(outcome: Outcome, rx: Uint8Array): void {
    const size = Math.min(Math.max(outcome.rxSize, 0), rx.length);
    this.counters.rxBytes += size;
    if (size > 0) this.#memory.store(WINDOW.RX, size === rx.length ? rx : rx.subarray(0, size));
    this.#store(outcome.ret, size);
  }

  /** The size goes with every reply: a guest that finds its own size there believes in as many bytes. */
  #store(ret: number, rxSize = 0): void {
    this.#answerView.setUint32(0, rxSize, true);
    this.#answerView.setUint32(4, 0, true);
    this.#answerView.setInt32(8, ret, true);
    this.#memory.store(WINDOW.RX_SIZE, this.#answer);
    this.#memory.publish();
    this.#mark[0] = Transfer.ANSWERED;
  }
}

/** A handler promises not to reject; a guest must not hang on one that does. */
function failed(): Outcome {
  return { ret: BpmpError.EIO, rxSize: 0 };
}
