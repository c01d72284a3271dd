import { addon, type SeccompListener } from '../../../native/index.js';
import { type Attached, Handshake } from './attach.js';
import type { Journal } from './journal.js';
import type { Complete, HandOver } from './options.js';

/**
 * A bridge's hold on its guest: come by through the handshake with a VMM that starts, or from a former owner, and offered
 * to whoever comes next.
 */
export class Attachment {
  readonly #options: Complete;
  readonly #journal: Journal;
  readonly #kernel = { waitKillable: 0, syncWakeUp: 0 };
  #listener: SeccompListener | undefined;
  #handshake: Handshake | undefined;
  #isGivenUp = false;
  /** The guest's processes whose memory was offered to a successor. */
  #offered = '';

  constructor(options: Complete, journal: Journal) {
    this.#options = options;
    this.#journal = journal;
  }

  /** Undefined before the VMM is there. */
  get listener(): SeccompListener | undefined {
    return this.#listener;
  }

  /** False where a signal interrupts a call that is being answered. */
  get waitKillable(): boolean {
    return this.#kernel.waitKillable === 1;
  }

  /** Resolves when the VMM is there, or when it was given up. */
  async open(): Promise<void> {
    if ('takeOver' in this.#options) {
      const { takeOver } = this.#options;
      const listener = this.#open(takeOver);
      for (const [process, fd] of takeOver.memory) listener.adoptMemory(process, fd);
      return;
    }
    this.#handshake = new Handshake(this.#options.socketFd, this.#options.control);
    if (this.#isGivenUp) this.#handshake.giveUp();
    await this.#handshake.complete((attached) => void this.#open(attached));
  }

  /** The VMM is waited for no longer. */
  giveUp(): void {
    this.#isGivenUp = true;
    this.#handshake?.giveUp();
  }

  /** What a successor needs; undefined before the VMM is there. Its descriptors are open until `close`. */
  handOver(): HandOver | undefined {
    if (this.#listener === undefined) return undefined;
    return {
      listenerFd: this.#listener.fd,
      journalFd: this.#journal.fd,
      waitKillable: this.waitKillable,
      memory: this.#listener.keptMemory(),
    };
  }

  /** Tells of processes of the guest's that made their first call. */
  offer(): void {
    const { onDescriptors } = this.#options;
    const listener = this.#listener;
    if (onDescriptors === undefined || listener === undefined || listener.fd < 0) return;
    const kept = listener.keptMemory().join(' ');
    if (kept === this.#offered) return;
    this.#offered = kept;
    onDescriptors();
  }

  stats(): Record<string, number> {
    return { ...this.#kernel, stale: this.#listener?.stale ?? 0 };
  }

  close(): void {
    this.#listener?.close();
    addon().closeFd(this.#journal.fd);
  }

  #open({ listenerFd, waitKillable }: Attached): SeccompListener {
    const { control, onDescriptors, oldKernel } = this.#options;
    const listener = new (addon().SeccompListener)(listenerFd, control.fd, this.#journal.memory);
    this.#listener = listener;
    onDescriptors?.();
    this.#kernel.waitKillable = Number(waitKillable);
    if (!oldKernel) this.#kernel.syncWakeUp = Number(listener.enableSyncWakeUp());
    return listener;
  }
}
