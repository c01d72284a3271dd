import { closeSync } from 'node:fs';
import { addon, type Readiness, Ready } from '../../../../native/index.js';
import {
  Errno,
  InterruptFlag,
  type InterruptInfo,
  type InterruptSet,
  RequestError,
} from '../protocol/index.js';

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
  #masked = false;
  /** The other form of UNMASK: a descriptor that is signalled at the guest's end of interrupt, as KVM does. */
  #unmaskFd = -1;
  #unmaskWatch: Readiness | undefined;

  /** @param isWanted - the level: whether the pin should be up now */
  constructor(isWanted: () => boolean) {
    this.#isWanted = isWanted;
  }

  /** Looks at the level again; to be called when it may have risen. */
  update(): void {
    if (this.#masked || this.#trigger < 0 || !this.#isWanted()) return;
    this.#fire();
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
  }

  #replaceUnmask(fd: number): void {
    this.#unmaskWatch?.close();
    this.#unmaskWatch = undefined;
    if (this.#unmaskFd >= 0) closeSync(this.#unmaskFd);
    this.#unmaskFd = fd;
    if (fd < 0) return;
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
