import type { NamedDescriptor, ServiceManager, ServiceNotifier } from '../../host/systemd/index.js';
import type { HandOver, Supervisor } from '../../vm/index.js';

/** The service manager that started this program, as a run of a VM has to do with it. */
export class Service {
  readonly #manager: ServiceManager;
  readonly #received: readonly NamedDescriptor[];
  /** Names of what lies in the manager's store now. */
  #stored: readonly string[];
  #notifier: ServiceNotifier | undefined;
  #storing: Promise<unknown> = Promise.resolve();
  #isOver = false;
  #isTakenOver = false;

  /** @internal `openService` makes one. */
  constructor(
    manager: ServiceManager,
    readonly keeps: boolean,
  ) {
    this.#manager = manager;
    this.#received = manager.receivedFds();
    this.#stored = this.#received.map(({ name }) => name);
  }

  /** The VM that a supervisor before this one has left. Throws GPUVM_HAND_OVER where it cannot be gone on with. */
  async left(vm: string): Promise<HandOver | undefined> {
    if (this.#received.length === 0) return undefined;
    const { unpackHandOver } = await import('../../vm/index.js');
    try {
      const left = unpackHandOver(this.#received, vm);
      this.#isTakenOver = true;
      return left;
    } catch (error) {
      await this.forget();
      throw error;
    }
  }

  /** Tells the manager how the VM is, and has it keep what a successor needs as long as the VM runs. */
  async follow(supervisor: Supervisor): Promise<void> {
    const [{ notifierFor }, { packHandOver }] = await Promise.all([
      import('../unit/notifier.js'),
      import('../../vm/index.js'),
    ]);
    this.#notifier = notifierFor(
      this.#manager,
      supervisor,
      (signal) => agentAnswers(supervisor, signal),
      this.#isTakenOver,
    );
    supervisor.on('state', (state) => {
      if (state === 'releasing' && !this.#isOver) void this.forget();
    });
    if (!this.keeps) return;
    const keep = () => {
      const kept = supervisor.kept();
      if (kept) this.#store(packHandOver(kept));
    };
    supervisor.on('state', (state) => {
      if (state === 'running') keep();
    });
    supervisor.on('bridge', (bridge) => bridge.on('fds-changed', keep));
  }

  stopping(): void {
    this.#notifier?.stopping();
  }

  /** Lets go of the VM, with all that the next supervisor needs in the manager's store. Throws where the VM cannot. */
  async handOver(supervisor: Supervisor): Promise<void> {
    const { packHandOver } = await import('../../vm/index.js');
    // What `run` ends with from here on is no end of the VM.
    this.#isOver = true;
    try {
      const passed = await supervisor.detach();
      await this.#store(packHandOver(passed));
    } catch (error) {
      this.#isOver = false;
      throw error;
    }
  }

  /** The VM is no more: nobody is to go on with it. */
  forget(): Promise<void> {
    return this.#inTurn(async () => {
      if (this.#stored.length > 0) await this.#manager.notify({ fdStoreRemove: this.#stored });
      this.#stored = [];
    });
  }

  async close(lastWord: string): Promise<void> {
    await this.#storing;
    await this.#notifier?.close(lastWord);
  }

  /** What is there by a name goes first: the manager would keep both. */
  #store(descriptors: readonly NamedDescriptor[]): Promise<void> {
    return this.#inTurn(async () => {
      await this.#manager.notify({ fdStoreRemove: this.#stored, fdStore: descriptors });
      this.#stored = descriptors.map(({ name }) => name);
      await this.#manager.barrier();
      const state = descriptors.find(({ name }) => name === 'vm-state');
      if (state) (await import('../../native/index.js')).addon().closeFd(state.fd);
    });
  }

  #inTurn(act: () => Promise<void>): Promise<void> {
    const turn = this.#storing.then(act);
    this.#storing = turn.catch(() => undefined);
    return turn;
  }
}

/**
 * The service manager, where one started this program. To be called before anything else is started: what systemd puts
 * into the environment is for this process alone.
 */
export async function openService(env: NodeJS.ProcessEnv = process.env): Promise<Service | undefined> {
  if (env.NOTIFY_SOCKET === undefined && env.LISTEN_FDS === undefined) return undefined;
  const { ServiceManager } = await import('../../host/systemd/index.js');
  // QEMU is to outlive this process only where somebody looks after it then: our units say so.
  const keeps = env.GPUVM_HAND_OVER === '1';
  return new Service(ServiceManager.take(), keeps);
}

/** An agent that does not answer yet is asked again, until the signal. */
async function agentAnswers(supervisor: Supervisor, signal: AbortSignal): Promise<void> {
  for (;;) {
    signal.throwIfAborted();
    try {
      return await supervisor.vm?.guestAgent?.ping(AGENT_MS);
    } catch {
      await new Promise((resolve) => setTimeout(resolve, AGENT_MS));
    }
  }
}

const AGENT_MS = 1_000;
