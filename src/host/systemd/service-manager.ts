import { GpuvmError } from '../../errors.js';
import { addon, Descriptor, Ready, WOULD_BLOCK } from '../../native/index.js';
import { descriptorAt, type ServiceEnvironment, takeEnvironment } from './environment.js';
import { type Datagram, datagramsOf, type NamedDescriptor, type Notification } from './message.js';

/** systemd reads its queue between two things that it does; a reload of its units can take this long. */
const QUEUE_DEADLINE_MS = 5_000;
const QUEUE_RETRY_MS = 20;
const BARRIER_DEADLINE_MS = 5_000;

/** The service manager that started this process, systemd as a rule; without one everything here does nothing. */
export class ServiceManager {
  readonly #environment: ServiceEnvironment;
  #received: readonly NamedDescriptor[] | undefined;
  /** What is sent goes out in order. */
  #last: Promise<unknown> = Promise.resolve();

  constructor(environment: ServiceEnvironment) {
    this.#environment = environment;
  }

  /**
   * From this process's environment, which is rid of all that is meant for us alone. To be called once, before anything
   * else is started.
   */
  static take(env: NodeJS.ProcessEnv = process.env, pid: number = process.pid): ServiceManager {
    return new ServiceManager(takeEnvironment(env, pid));
  }

  /** Whether somebody listens to notifications. */
  get isPresent(): boolean {
    return this.#environment.notifySocket !== undefined;
  }

  /** How often `notify({ watchdog: true })` is wanted at the least; undefined where nobody watches. */
  watchdogIntervalMs(): number | undefined {
    return this.#environment.watchdogMs;
  }

  /**
   * The descriptors that were stored before, or come from socket units, each with its name. They belong to the caller,
   * and are closed on exec from now on. Throws GPUVM_SYSTEMD where one that was announced is not open.
   */
  receivedFds(): readonly NamedDescriptor[] {
    this.#received ??= this.#environment.descriptorNames.map((name, index) => {
      const fd = descriptorAt(index);
      try {
        addon().closeOnExec(fd);
      } catch (cause) {
        throw new GpuvmError('GPUVM_SYSTEMD', `descriptor ${fd} (${name}) was announced and is not there`, {
          cause,
        });
      }
      return { name, fd };
    });
    return this.#received;
  }

  /**
   * Says it. True once systemd's queue holds all of it, false where nobody listens or takes it in time. Throws GPUVM_USAGE
   * for a descriptor's name that cannot be, and nothing else.
   */
  async notify(notification: Notification): Promise<boolean> {
    const datagrams = datagramsOf(notification);
    const { notifySocket } = this.#environment;
    if (notifySocket === undefined) return false;
    const sent = this.#last.then(async () => {
      for (const datagram of datagrams) if (!(await send(notifySocket, datagram))) return false;
      return true;
    });
    this.#last = sent;
    return sent;
  }

  /**
   * Resolves once systemd has acted on all that was said before, so that the process may end. Throws GPUVM_SYSTEMD where it
   * has not within five seconds; returns at once where there is none.
   */
  async barrier(deadlineMs: number = BARRIER_DEADLINE_MS): Promise<void> {
    const { notifySocket } = this.#environment;
    if (notifySocket === undefined) return;
    const [ours, theirs] = addon()
      .socketPair()
      .map((fd) => new Descriptor(fd)) as [Descriptor, Descriptor];
    try {
      const sent = this.#last.then(() => send(notifySocket, { text: 'BARRIER=1', fds: [theirs.fd] }));
      this.#last = sent;
      const isSent = await sent;
      // The other end is systemd's alone now, and systemd closes it when it comes to this message.
      theirs.close();
      if (!isSent || !(await closed(ours.fd, deadlineMs))) {
        throw new GpuvmError(
          'GPUVM_SYSTEMD',
          'systemd does not take what it is told: see `systemctl status`',
        );
      }
    } finally {
      theirs.close();
      ours.close();
    }
  }

  /**
   * Gives descriptors to systemd's store and waits until it has them; this process may end then. They stay open here too.
   * systemd drops those beyond the unit's FileDescriptorStoreMax without a word, and keeps one of two that are the same
   * open file.
   */
  async store(descriptors: readonly NamedDescriptor[]): Promise<boolean> {
    const isSent = await this.notify({ fdStore: descriptors });
    if (isSent) await this.barrier();
    return isSent;
  }
}

/** False where nobody takes it. */
async function send(socket: string, { text, fds }: Datagram): Promise<boolean> {
  const until = performance.now() + QUEUE_DEADLINE_MS;
  for (;;) {
    try {
      if (addon().notifySend(socket, text, Int32Array.from(fds)) !== WOULD_BLOCK) return true;
    } catch {
      // A manager that is gone is no reason for a VM to end.
      return false;
    }
    if (performance.now() > until) return false;
    await new Promise((resolve) => setTimeout(resolve, QUEUE_RETRY_MS));
  }
}

/** Whether the other end was closed in time. */
function closed(fd: number, deadlineMs: number): Promise<boolean> {
  return new Promise((resolve) => {
    const readiness = new (addon().Readiness)(fd, () => finish(true));
    const timer = setTimeout(() => finish(false), deadlineMs);
    const finish = (isClosed: boolean) => {
      clearTimeout(timer);
      readiness.close();
      resolve(isClosed);
    };
    readiness.watch(Ready.READABLE | Ready.DISCONNECT);
  });
}
