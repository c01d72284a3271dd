import { closeSync } from 'node:fs';
import { addon, type Readiness, Ready } from '../../../../native/index.js';
import type { Keep, NamedFd } from '../memory/keep.js';
import {
  Errno,
  InterruptFlag,
  type InterruptInfo,
  type InterruptSet,
  RequestError,
} from '../protocol/index.js';

/** Indices of the words that are kept. */
const MASKED = 0;
const TRIGGER = 1;
const UNMASK = 2;
const LAST = 3;

/**
 * A PCI function's INTx pin, level-triggered. Each firing masks it; the client unmasks it when the guest is through
 * with the interrupt, and it fires again if it is still wanted.
 */
export class IntxInterrupt {
  /** What a client is told of it. */
  static readonly info: InterruptInfo = {
    flags: InterruptFlag.EVENTFD | InterruptFlag.MASKABLE | InterruptFlag.AUTOMASKED,
    count: 1,
  };
  readonly counters = { interrupts: 0, unmasks: 0 };
  readonly #isWanted: () => boolean;
  /** The client's event descriptor that says the pin is up, -1 for none. */
  #trigger = -1;
  /** Kept: whether it is masked, and the numbers of the two event descriptors, 0 for none. */
  readonly #words: Int32Array;
  readonly #keep: { readonly in: Keep; readonly name: string } | undefined;
  /** The other form of UNMASK: a descriptor that is signalled at the guest's end of interrupt, as KVM does. */
  #unmaskFd = -1;
  #unmaskWatch: Readiness | undefined;

  /**
   * @param isWanted - the level: whether the pin should be up now
   * @param keep - @internal where its state outlives the process
   */
  constructor(isWanted: () => boolean, keep?: { readonly in: Keep; readonly name: string }) {
    this.#isWanted = isWanted;
    this.#keep = keep;
    this.#words = keep?.in.words(4) ?? new Int32Array(4);
    if (keep?.in.goesOn !== true) return;
    if (this.#words[TRIGGER] > 0) this.#trigger = keep.in.needed(this.#nameOf('trigger', TRIGGER));
    if (this.#words[UNMASK] > 0) this.#watchUnmask(keep.in.needed(this.#nameOf('unmask', UNMASK)));
  }

  /** @internal What a successor needs. */
  get descriptors(): NamedFd[] {
    const trigger = { name: this.#nameOf('trigger', TRIGGER), fd: this.#trigger };
    const unmask = { name: this.#nameOf('unmask', UNMASK), fd: this.#unmaskFd };
    return [trigger, unmask].filter(({ fd }) => fd >= 0);
  }

  get #masked(): boolean {
    return this.#words[MASKED] === 1;
  }

  set #masked(masked: boolean) {
    this.#words[MASKED] = masked ? 1 : 0;
  }

  #nameOf(what: string, word: number): string {
    return `${this.#keep?.name ?? ''}.${what}.${this.#words[word]}`;
  }

  /** Another descriptor is another name, so that a successor never gets the former one. */
  #number(word: number, fd: number): void {
    this.#words[word] = fd < 0 ? 0 : ++this.#words[LAST];
    this.#keep?.in.onDescriptors();
  }

  /** Looks at the level again; to be called when it may have risen. */
  update(): void {
    if (this.#masked || this.#trigger < 0 || !this.#isWanted()) return;
    this.#fire();
  }

  /** @internal As {@link update}, where nobody knows whether the client was told already. */
  resume(): void {
    if (this.#trigger >= 0 && this.#isWanted()) this.#fire();
  }

  /** DEVICE_SET_IRQS for INTx; the event descriptor becomes this one's, unless it throws RequestError. */
  set(set: InterruptSet): void {
    const [fd = -1] = set.eventfds;
    if (fd >= 0) adopt(fd);
    if (set.action === 'trigger') this.#setTrigger(set, fd);
    else if (set.action === 'unmask') this.#setUnmask(set, fd);
    else if (set.data === 'eventfd') throw new RequestError(Errno.EINVAL, 'INTx is not masked by event');
    else if (isMeant(set)) this.#masked = true;
  }

  /** As at power-on. What the client gave for telling stays. */
  reset(): void {
    this.#masked = false;
  }

  /** Forgets what came from the client; it may be served to another one afterwards. */
  close(): void {
    this.#masked = false;
    this.#replaceTrigger(-1);
    this.#replaceUnmask(-1);
  }

  #setTrigger(set: InterruptSet, fd: number): void {
    if (set.data === 'eventfd' || set.count === 0) {
      this.#replaceTrigger(fd);
      this.#masked = false;
      this.update();
    } else if (isMeant(set) && this.#trigger >= 0) this.#fire();
  }

  #setUnmask(set: InterruptSet, fd: number): void {
    if (set.data === 'eventfd') this.#replaceUnmask(fd);
    else if (isMeant(set)) this.#unmask();
  }

  #unmask(): void {
    this.counters.unmasks++;
    this.#masked = false;
    this.update();
  }

  #fire(): void {
    this.counters.interrupts++;
    this.#masked = true;
    addon().eventfdSignal(this.#trigger);
  }

  #replaceTrigger(fd: number): void {
    if (this.#trigger >= 0) closeSync(this.#trigger);
    this.#trigger = fd;
    this.#number(TRIGGER, fd);
  }

  #replaceUnmask(fd: number): void {
    this.#unmaskWatch?.close();
    this.#unmaskWatch = undefined;
    if (this.#unmaskFd >= 0) closeSync(this.#unmaskFd);
    this.#unmaskFd = -1;
    this.#number(UNMASK, fd);
    if (fd >= 0) this.#watchUnmask(fd);
  }

  #watchUnmask(fd: number): void {
    this.#unmaskFd = fd;
    const { Readiness: ReadinessClass } = addon();
    this.#unmaskWatch = new ReadinessClass(fd, () => {
      if (addon().eventfdDrain(fd) > 0) this.#unmask();
    });
    this.#unmaskWatch.watch(Ready.READABLE);
  }
}

/** Anything but an eventfd could keep this thread waiting when it is written to. */
function adopt(fd: number): void {
  try {
    addon().eventfdAdopt(fd);
  } catch {
    throw new RequestError(Errno.EINVAL, 'the descriptor is no eventfd');
  }
}

/** With booleans the one of the pin must be set, without it is meant. */
function isMeant({ data, count, bools }: InterruptSet): boolean {
  return count > 0 && (data === 'none' || bools[0] !== 0);
}
