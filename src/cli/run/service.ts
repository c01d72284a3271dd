import type { NamedDescriptor, ServiceManager, ServiceNotifier } from '../../host/systemd/index.js';
import type { HandOver, Supervisor } from '../../vm/index.js';

/** The service manager that started this program, as a run of a VM has to do with it. */
export class Service {
  readonly #manager: ServiceManager;
  readonly #received: readonly NamedDescriptor[];
  /** Names of what lies in the manager's store now. Each stands for one open file, as long as the VM runs. */
  #stored: readonly string[];
  #notifier: ServiceNotifier | undefined;
  #storing: Promise<unknown> = Promise.resolve();
  #states: number;
  #isToKeep = false;
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
    this.#states = Math.max(0, ...this.#received.map(({ name }) => numberOfState(name) ?? 0));
  }

  /** The VM that a supervisor before this one has left. Throws GPUVM_HAND_OVER where it cannot be gone on with. */
  async left(vm: string): Promise<HandOver | undefined> {
    if (this.#received.length === 0) return undefined;
    const { unpackHandOver } = await import('../../vm/index.js');
    try {
      const left = unpackHandOver(await withLastState(this.#received), vm);
      this.#isTakenOver = true;
      return left;
    } catch (error) {
      await this.forget();
      throw error;
    }
  }

  /** Tells the manager how the VM is, and has it keep what a successor needs as long as the VM runs. */
  async follow(supervisor: Supervisor): Promise<void> {
    const { notifierFor } = await import('../unit/notifier.js');
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
    const keep = () => void this.#keep(supervisor);
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
    // What `run` ends with from here on is no end of the VM.
    this.#isOver = true;
    try {
      const passed = await supervisor.detach();
      await this.#inTurn(() => this.#store(passed));
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

  /** Puts into the store what a successor needs when its turn has come; changes until then are in it. */
  async #keep(supervisor: Supervisor): Promise<void> {
    if (this.#isToKeep) return;
    this.#isToKeep = true;
    await this.#inTurn(async () => {
      this.#isToKeep = false;
      const kept = this.#isOver ? undefined : supervisor.kept();
      if (kept) await this.#store(kept);
    });
  }

  /**
   * First what is new, with the state at its end, and only then goes what is no more: whenever this process is killed, the
   * store holds a state with all that it speaks of.
   */
  async #store(handOver: HandOver): Promise<void> {
    const { addon } = await import('../../native/index.js');
    const { packHandOver } = await import('../../vm/index.js');
    const { fds, state } = numbered(packHandOver(handOver), ++this.#states);
    // The descriptors may be closed while the manager does not listen.
    const added = fds
      .filter(({ name }) => !this.#stored.includes(name))
      .map(({ name, fd }) => ({ name, fd: addon().duplicateFd(fd) }));
    try {
      const names = [...fds, state].map(({ name }) => name);
      await this.#manager.notify({ fdStore: [...added, state] });
      await this.#manager.notify({ fdStoreRemove: this.#stored.filter((name) => !names.includes(name)) });
      this.#stored = names;
      await this.#manager.barrier();
    } finally {
      for (const { fd } of [...added, state]) addon().closeFd(fd);
    }
  }

  #inTurn(act: () => Promise<void>): Promise<void> {
    const turn = this.#storing.then(act);
    this.#storing = turn.catch(() => undefined);
    return turn;
  }
}

const STATE = 'vm-state';

/** The state is another file each time, so that one is there while the next comes. */
function numbered(packed: readonly NamedDescriptor[], number: number) {
  const state = packed.find(({ name }) => name === STATE) as NamedDescriptor;
  return { fds: packed.filter((one) => one !== state), state: { name: `${STATE}.${number}`, fd: state.fd } };
}

function numberOfState(name: string): number | undefined {
  const digits = new RegExp(`^${STATE}\\.(\\d+)$`).exec(name)?.[1];
  return digits === undefined ? undefined : Number(digits);
}

/** The last state under its own name, without those before it. */
async function withLastState(received: readonly NamedDescriptor[]): Promise<NamedDescriptor[]> {
  const { addon } = await import('../../native/index.js');
  const isState = ({ name }: NamedDescriptor) => numberOfState(name) !== undefined;
  const states = received.filter(isState);
  states.sort((one, other) => numberOfState(one.name)! - numberOfState(other.name)!);
  const last = states.pop();
  for (const { fd } of states) addon().closeFd(fd);
  const others = received.filter((one) => !isState(one));
  return last === undefined ? others : [...others, { name: STATE, fd: last.fd }];
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
