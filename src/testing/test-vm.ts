import { GpuvmError } from '../errors.js';
import type { QmpClient } from '../qmp/index.js';
import type { Supervisor, SupervisorReport, SupervisorState } from '../vm/index.js';
import { TestConsole } from './console.js';
import { type WaitOptions, waitFor } from './deadline.js';

/** Something that happened to the VM, as `gpuvm run --events` writes it. */
export interface SeenEvent {
  readonly event: string;
  readonly time: string;
  readonly [field: string]: unknown;
}

/** A guest that says more than this in one test loses its first events. */
const KEPT_EVENTS = 100_000;

/** A VM under test: its console, its monitor, its events, its end. */
export class TestVm {
  readonly supervisor: Supervisor;
  readonly console: TestConsole;
  /** Resolves when the VM is over and nothing of it is left; rejects with what kept it from starting. */
  readonly ended: Promise<SupervisorReport>;
  readonly #deadlineMs: number;
  readonly #events: SeenEvent[] = [];
  readonly #listeners = new Set<() => void>();
  #over: string | undefined;

  /** @internal `startVm` makes one. */
  constructor(supervisor: Supervisor, deadlineMs: number) {
    this.supervisor = supervisor;
    this.#deadlineMs = deadlineMs;
    supervisor.onEvent((event) => this.#saw(event));
    this.console = new TestConsole(supervisor.console, {
      deadlineMs,
      over: () => this.#over,
      onOver: (fn) => this.#onChange(fn),
    });
    this.ended = supervisor.run().then(
      (report) => {
        this.#end(`the VM ended (${report.message})`);
        return report;
      },
      (error: unknown) => {
        this.#end(`the VM did not start (${error instanceof Error ? error.message : String(error)})`);
        throw error;
      },
    );
    this.ended.catch(() => undefined);
  }

  get name(): string {
    return this.supervisor.name;
  }

  get state(): SupervisorState {
    return this.supervisor.state;
  }

  /** QEMU's monitor. Throws GPUVM_VM_STATE where there is none now. */
  get qmp(): QmpClient {
    const qmp = this.supervisor.vm?.qmp;
    if (qmp) return qmp;
    throw new GpuvmError('GPUVM_VM_STATE', `${this.name} has no monitor now: it is ${this.state}`);
  }

  /** All that has happened so far, the oldest first. */
  get events(): readonly SeenEvent[] {
    return this.#events;
  }

  /** Waits until the supervisor is in this state; one that it has left again counts too. */
  async waitForState(state: SupervisorState, options: WaitOptions = {}): Promise<void> {
    await this.waitForEvent('state', (event) => event.state === state, options, `state "${state}"`);
  }

  /**
   * The first event that matches, of those that were and those that come. QEMU's own are events "monitor", with `name` and
   * `data`. Throws GPUVM_WAIT where none comes in time or the VM ends.
   */
  waitForEvent(
    name: string,
    matches: (event: SeenEvent) => boolean = () => true,
    { deadlineMs = this.#deadlineMs, signal }: WaitOptions = {},
    what = `event "${name}"`,
  ): Promise<SeenEvent> {
    let next = 0;
    return waitFor({
      what,
      deadlineMs,
      ...(signal && { signal }),
      look: () => {
        for (; next < this.#events.length; next++) {
          const event = this.#events[next]!;
          if (event.event === name && matches(event)) return event;
        }
        return undefined;
      },
      changed: (again) => this.#onChange(again),
      over: () => this.#over,
      context: () =>
        `; it has seen: ${[...new Set(this.#events.map(({ event }) => event))].join(', ') || 'none'}`,
    });
  }

  /** Waits until `query-status` answers with this status: `running`, `paused`, `shutdown` … */
  async waitForStatus(status: string, options: WaitOptions = {}): Promise<void> {
    const { deadlineMs = this.#deadlineMs } = options;
    const until = performance.now() + deadlineMs;
    for (let seen = this.#events.length; ; ) {
      const present = (await this.qmp.execute('query-status')).status;
      if (present === status) return;
      const leftMs = until - performance.now();
      // A change of the status comes with an event; one that came meanwhile is not waited for.
      const since = seen;
      await this.waitForEvent(
        'monitor',
        (event) => this.#events.indexOf(event) >= since,
        {
          ...options,
          deadlineMs: Math.max(1, leftMs),
        },
        `status "${status}" (it is "${present}")`,
      );
      seen = this.#events.length;
    }
  }

  /** Waits until the guest's agent answers; the VM needs `guestAgent: true`. */
  async waitForAgent({ deadlineMs = this.#deadlineMs, signal }: WaitOptions = {}): Promise<void> {
    const until = performance.now() + deadlineMs;
    for (;;) {
      signal?.throwIfAborted();
      const agent = this.supervisor.vm?.guestAgent;
      if (!agent)
        throw new GpuvmError(
          'GPUVM_VM_STATE',
          `${this.name} has no channel for an agent: guestAgent: true gives it one`,
        );
      try {
        return await agent.ping(Math.min(AGENT_TRY_MS, Math.max(1, until - performance.now())));
      } catch (error) {
        if (this.#over !== undefined || performance.now() >= until) throw error;
      }
    }
  }

  /** Has the guest power down, by the stop ladder of its VM file, and waits for the end. */
  stop(): Promise<SupervisorReport> {
    this.supervisor.stop();
    return this.ended;
  }

  /** Ends it at once, whatever the guest does, and waits until nothing of it is left. Never rejects. */
  async close(): Promise<void> {
    // Asking the guest is what takes time; every other rung is quick where QEMU is well.
    this.supervisor.on('rung', ({ rung }) => {
      if (rung === 'powerdown') setImmediate(() => this.supervisor.stop());
    });
    this.supervisor.stop();
    // Under way down the ladder already, by its own times.
    if (this.state === 'stopping') this.supervisor.stop();
    await this.ended.catch(() => undefined);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #saw(event: SeenEvent): void {
    if (this.#events.length < KEPT_EVENTS) this.#events.push(event);
    this.#changed();
  }

  #end(why: string): void {
    this.#over = why;
    this.#changed();
  }

  #changed(): void {
    for (const listener of [...this.#listeners]) listener();
  }

  #onChange(fn: () => void): () => void {
    this.#listeners.add(fn);
    return () => void this.#listeners.delete(fn);
  }
}

const AGENT_TRY_MS = 1_000;
