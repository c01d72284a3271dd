import { closeSync } from 'node:fs';
import { HANDED_OVER, type NamedDescriptor, type ServiceManager } from '../../host/systemd/index.js';
import { type HandOver, packHandOver, type Supervisor, unpackHandOver } from '../../vm/index.js';

/** The part of a `Supervisor` that is needed. */
export type KeptVm = Pick<Supervisor, 'kept' | 'detach' | 'on' | 'vm'>;

/**
 * Keeps a running VM in systemd's store, so that it outlives its supervisor: whatever the next one would need lies there
 * from the moment when the VM runs, and is brought up to date as it changes.
 */
export class Keeper {
  readonly #manager: ServiceManager;
  /** What lies in the store, by name. */
  #stored: readonly string[] = [];
  #last: Promise<unknown> = Promise.resolve();
  #isHandingOver = false;

  constructor(manager: ServiceManager) {
    this.#manager = manager;
  }

  /**
   * What a supervisor before this one left; undefined where it left nothing. Throws GPUVM_HAND_OVER where that is not
   * whole, and has emptied the store then: the next start is a new one.
   */
  async taken(vm: string): Promise<HandOver | undefined> {
    const received = this.#manager.receivedFds();
    if (received.length === 0) return undefined;
    this.#stored = received.map(({ name }) => name);
    try {
      return unpackHandOver(received, vm);
    } catch (error) {
      await this.#replace([]);
      throw error;
    }
  }

  /** Keeps what this VM is taken over with, from now on; `onProblem` is told what keeps it from being handed over. */
  follow(vm: KeptVm, onProblem: (message: string) => void): () => void {
    const refresh = () => void this.#refresh(vm);
    vm.on('state', (state) => {
      // Nobody is to take over a QEMU that is gone, or on its way.
      if (['running', 'stopping', 'releasing'].includes(state)) refresh();
    });
    vm.on('bridge', (bridge) => void bridge.on('fds-changed', refresh));
    const handOver = () =>
      void this.#handOver(vm).catch((error: Error) =>
        onProblem(`the VM cannot be handed over: ${error.message}`),
      );
    process.on('SIGUSR2', handOver);
    return () => void process.off('SIGUSR2', handOver);
  }

  /** Waits until the store holds what it should; the exit status of a program that has handed its VM over. */
  async settled(): Promise<number> {
    await this.#last;
    return HANDED_OVER;
  }

  async #handOver(vm: KeptVm): Promise<void> {
    this.#isHandingOver = true;
    const handingOver = this.#last.then(async () => this.#replace(packHandOver(await vm.detach())));
    this.#last = handingOver.catch(() => {
      this.#isHandingOver = false;
    });
    await handingOver;
  }

  #refresh(vm: KeptVm): Promise<unknown> {
    this.#last = this.#last.then(async () => {
      if (this.#isHandingOver) return;
      const kept = vm.kept();
      if (kept === undefined) return this.#replace([]);
      const packed = packHandOver(kept);
      await this.#replace(packed);
      // The state's own descriptor was made for this; all others are still the VM's.
      closeSync(packed.at(-1)!.fd);
    });
    return this.#last;
  }

  /** What has a name there already is put in anew: systemd would keep the older of two. */
  async #replace(descriptors: readonly NamedDescriptor[]): Promise<void> {
    await this.#manager.notify({ fdStoreRemove: [...new Set(this.#stored)] });
    this.#stored = descriptors.map(({ name }) => name);
    if (descriptors.length > 0) await this.#manager.store(descriptors);
  }
}
