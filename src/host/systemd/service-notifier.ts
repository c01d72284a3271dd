import type { ServiceManager } from './service-manager.js';
import { Watchdog } from './watchdog.js';

/** What a notifier sees of a VM; a `Supervisor` is one. */
export interface NotifiedVm {
  readonly name: string;
  readonly state: string;
  /** Calls `fn` with each event as `--events` has it; returns what ends that. */
  onEvent(fn: (event: { readonly event: string; readonly [field: string]: unknown }) => void): () => void;
}

/** The part of a `ServiceManager` that is needed. */
export type Notified = Pick<ServiceManager, 'notify' | 'barrier' | 'watchdogIntervalMs'>;

export interface NotifierOptions {
  /** Resolves if the running VM is really alive: its process, its monitor, its bridge's thread. */
  readonly probe: (deadlineMs: number) => Promise<void>;
  /** Begun when QEMU first runs; the service is ready when it resolves. By default it is ready then. */
  readonly ready?: (signal: AbortSignal) => Promise<void>;
  /** How long the start may take from now; by default as the unit says. */
  readonly startMs?: number;
  /** What a state means, for people. */
  readonly describe?: (state: string) => string | undefined;
}

/** On top of a rung's own time: to come to the next one, or to say that QEMU is gone. */
const RUNG_MARGIN_MS = 10_000;
/** What comes after the ladder, where the unit's own time may be over by then. */
const EXTENSIONS_MS: Readonly<Record<string, number>> = { releasing: 30_000, restoring: 120_000 };

/** States in which QEMU can be asked how it is. In all others something waits that has a deadline of its own. */
const PROBED = ['running', 'paused'];

/** Tells systemd how a VM is, from its start to its end, and feeds the watchdog as long as it is well. */
export class ServiceNotifier {
  readonly #manager: Notified;
  readonly #vm: NotifiedVm;
  readonly #options: NotifierOptions;
  readonly #over = new AbortController();
  readonly #unsubscribe: () => void;
  readonly #watchdog: Watchdog | undefined;
  #pid: number | undefined;
  #isReadying = false;
  #isReady = false;
  #status = '';

  constructor(manager: Notified, vm: NotifiedVm, options: NotifierOptions) {
    this.#manager = manager;
    this.#vm = vm;
    this.#options = options;
    this.#unsubscribe = vm.onEvent((event) => this.#follow(event));
    if (options.startMs !== undefined) void manager.notify({ extendTimeoutMs: options.startMs });
    const intervalMs = manager.watchdogIntervalMs();
    if (intervalMs !== undefined) {
      this.#watchdog = new Watchdog({
        intervalMs,
        probe: async (deadlineMs) => {
          if (PROBED.includes(vm.state)) await options.probe(deadlineMs);
        },
        feed: () => void manager.notify({ watchdog: true }),
        onTrouble: (why) => this.#say(why === undefined ? this.#status : `does not answer: ${why}`),
      });
    }
    this.#enter(vm.state);
  }

  /** Whether READY was said. */
  get isReady(): boolean {
    return this.#isReady;
  }

  /** The service is to stop, and no restart of the VM follows. */
  stopping(): void {
    void this.#manager.notify({ stopping: true });
  }

  /** Says the last word, if there is one, and lets go of the VM; resolves once systemd has it. */
  async close(lastWord?: string): Promise<void> {
    this.#over.abort();
    this.#unsubscribe();
    this.#watchdog?.stop();
    if (lastWord !== undefined) this.#say(lastWord);
    await this.#manager.barrier().catch(() => undefined);
  }

  #follow(event: { readonly event: string; readonly [field: string]: unknown }): void {
    switch (event.event) {
      case 'state':
        this.#enter(String(event.state));
        return;
      case 'qemu':
        this.#pid = Number(event.pid);
        return;
      case 'rung':
        this.#rung(String(event.rung), Number(event.timeMs));
        return;
      case 'restart':
        this.#status = `starts again in ${Number(event.delayMs) / 1000} s: ${String(event.reason)}`;
        this.#say(this.#status);
    }
  }

  #enter(state: string): void {
    const extendTimeoutMs = EXTENSIONS_MS[state];
    if (extendTimeoutMs !== undefined) void this.#manager.notify({ extendTimeoutMs });
    // What it waits for was said, with the reason.
    if (state === 'waiting') return;
    const meaning = this.#options.describe?.(state);
    const pid = PROBED.includes(state) && this.#pid !== undefined ? ` (QEMU is process ${this.#pid})` : '';
    this.#status = `${meaning === undefined ? state : `${state}: ${meaning}`}${pid}`;
    this.#say(this.#status);
    if (state === 'running' && !this.#isReadying) void this.#becomeReady();
  }

  async #becomeReady(): Promise<void> {
    this.#isReadying = true;
    try {
      await this.#options.ready?.(this.#over.signal);
    } catch (error) {
      // Whoever gave the guest its deadline ends it; here it is only told.
      if (!this.#over.signal.aborted) this.#say(`is not ready: ${(error as Error).message}`);
      return;
    }
    if (this.#over.signal.aborted) return;
    this.#isReady = true;
    void this.#manager.notify({ ready: true, status: this.#prefixed(this.#status) });
  }

  #rung(rung: string, timeMs: number): void {
    this.#status = `stopping: ${rung}, for at most ${timeMs / 1000} s`;
    void this.#manager.notify({
      status: this.#prefixed(this.#status),
      extendTimeoutMs: timeMs + RUNG_MARGIN_MS,
    });
  }

  #say(status: string): void {
    void this.#manager.notify({ status: this.#prefixed(status) });
  }

  #prefixed(status: string): string {
    return `${this.#vm.name}: ${status}`;
  }
}
