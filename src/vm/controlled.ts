import { EventEmitter } from 'node:events';
import type { BpmpAnswer, BridgeSnapshot } from '../bpmp/worker/index.js';
import type { VmConfig } from '../config/index.js';
import { GpuvmError } from '../errors.js';
import type { Exposition } from '../metrics/index.js';
import type { QmpClient } from '../qmp/index.js';
import type { BpmpReport } from './bpmp-report.js';
import { type Bridges, type CapturedOptions, captured } from './captured.js';
import { ConsoleRing } from './console-ring.js';
import { History, type HistoryEvent } from './history.js';
import type { EndReport } from './report.js';
import { type Operation, StateMachine, type SupervisorState } from './states.js';
import type { SupervisorEvents } from './supervisor-events.js';
import type { VirtualMachine } from './virtual-machine.js';
import { within } from './waiting.js';

/** The bridge's thread may be busy with a guest; nobody who asks for the VM's state waits longer for its counters. */
const SNAPSHOT_MS = 1_000;

/** Where a VM is and what it has done so far; plain data. */
export interface SupervisorStatus {
  readonly name: string;
  readonly state: SupervisorState;
  /** When it came into this state, ISO 8601. */
  readonly since: string;
  readonly file: string;
  /** QEMU's process; absent while there is none. */
  readonly pid?: number;
  readonly supervisorPid: number;
  /** How often QEMU was started anew after its first start. */
  readonly restarts: number;
  /** Since QEMU's last start; absent while there is none. */
  readonly uptimeMs?: number;
  readonly bridge?: { readonly totals: Readonly<Record<string, number>>; readonly snapshot: BridgeSnapshot };
  /** The host's devices that the guest has. */
  readonly devices: readonly string[];
  /** How the last run of QEMU ended. */
  readonly ending?: { readonly ending: string; readonly message: string };
}

/** A supervised VM as others see it and what they may ask of it; `Supervisor` is what moves it. */
export abstract class Controlled extends EventEmitter<SupervisorEvents> {
  readonly config: VmConfig;
  readonly console = new ConsoleRing();
  protected readonly history = new History();
  protected readonly machine = new StateMachine((state) => this.emit('state', state));
  /** The run of QEMU that goes on. */
  protected current: VirtualMachine | undefined;
  protected currentSinceMs = 0;
  protected restarts = 0;
  protected lastEnd: Pick<EndReport, 'ending' | 'message'> | undefined;

  constructor(config: VmConfig) {
    super();
    this.config = config;
    this.#keepHistory();
  }

  /** The host's devices that the guest has. */
  protected abstract get deviceNames(): readonly string[];

  get name(): string {
    return this.config.name;
  }

  get state(): SupervisorState {
    return this.machine.state;
  }

  /** The run of QEMU that goes on; undefined while there is none. */
  get vm(): VirtualMachine | undefined {
    return this.current;
  }

  async status(): Promise<SupervisorStatus> {
    const vm = this.current;
    const snapshot = await this.#snapshot(vm);
    const { pid } = vm ?? {};
    return {
      name: this.name,
      state: this.state,
      since: this.machine.since.toISOString(),
      file: this.config.file,
      ...(pid === undefined ? {} : { pid, uptimeMs: Math.round(performance.now() - this.currentSinceMs) }),
      supervisorPid: process.pid,
      restarts: this.restarts,
      ...(snapshot && { bridge: { totals: { ...snapshot.totals }, snapshot } }),
      devices: this.deviceNames,
      ...(this.lastEnd && { ending: { ending: this.lastEnd.ending, message: this.lastEnd.message } }),
    };
  }

  /** What the bridge tells of itself. Throws GPUVM_VM_STATE where there is none, or none that serves. */
  async bpmp(): Promise<BpmpReport> {
    const measurements = await this.current?.bridge?.measurements();
    if (measurements === undefined) {
      const why =
        this.config.bridge.kind === 'none'
          ? 'its VM file has no bridge'
          : `it is ${this.state}, and its bridge does not serve`;
      throw new GpuvmError('GPUVM_VM_STATE', `${this.name} has no BPMP to tell of: ${why}`);
    }
    const { bpmpReport } = await import('./bpmp-report.js');
    return bpmpReport(this.config, measurements);
  }

  /** What Prometheus is told, in the format that the Accept header asks for. */
  async metrics(accept?: string): Promise<Exposition> {
    const { metricsOf } = await import('./vm-metrics.js');
    const { current: vm, state, restarts, config } = this;
    const asked = vm?.bridge?.measurements().catch(() => undefined);
    const measurements = asked && (await within(SNAPSHOT_MS, asked));
    const startedMs = performance.timeOrigin + this.currentSinceMs;
    const qemu = vm?.pid === undefined ? undefined : { pid: vm.pid, startedMs };
    return metricsOf({ config, state, restarts, qemu, measurements }, accept);
  }

  async pause(): Promise<void> {
    await this.#monitorFor('pause').execute('stop');
    this.machine.offer('pause');
  }

  async resume(): Promise<void> {
    await this.#monitorFor('resume').execute('cont');
    this.machine.offer('resume');
  }

  /** Resets the guest, as the reset button does. */
  async reset(): Promise<void> {
    await this.#monitorFor('reset').execute('system_reset');
  }

  async qmp(
    command: string,
    args: Record<string, unknown> = {},
    options: { readonly deadlineMs?: number } = {},
  ): Promise<unknown> {
    return this.#monitorFor('qmp').execute(command, args, options);
  }

  /** Asks the bridge's mediator as the guest would. Throws GPUVM_VM_STATE where there is none that serves. */
  async bpmpRequest(mrq: number, tx: Uint8Array): Promise<BpmpAnswer> {
    const { bridge } = this.current ?? {};
    const refuse = (why: string, cause?: unknown) =>
      new GpuvmError('GPUVM_VM_STATE', `${this.name} cannot be asked: ${why}`, { cause });
    if (bridge === undefined) throw refuse(`it is ${this.state}, and has no bridge that serves`);
    try {
      return await bridge.request(mrq, tx);
    } catch (cause) {
      throw refuse((cause as Error).message, cause);
    }
  }

  /** The guest's transfers as pcapng; see `captured`. Throws GPUVM_VM_STATE where it has no bridge. */
  captured(options: CapturedOptions = {}): AsyncGenerator<Uint8Array> {
    if (this.config.bridge.kind === 'none')
      throw new GpuvmError('GPUVM_VM_STATE', `${this.name} has no transfers: its VM file has no bridge`);
    return captured(this.config, this.#bridges(), options);
  }

  /** Puts an event of somebody else's beside the VM's own: a request of the guest, say. */
  record(event: string, fields: object): void {
    this.history.add(event, fields, false);
  }

  onEvent(fn: (event: HistoryEvent) => void): () => void {
    return this.history.onEvent(fn);
  }

  recentEvents(): readonly HistoryEvent[] {
    return this.history.events;
  }

  logs(): readonly string[] {
    return this.history.lines;
  }

  onLog(fn: (line: string) => void): () => void {
    return this.history.onLog(fn);
  }

  #bridges(): Bridges {
    const isOver = () => this.state === 'ended';
    const present = () => this.current?.bridge;
    return {
      get present() {
        return present();
      },
      after: (last, signal) =>
        new Promise((resolve) => {
          const look = () => {
            const next = present();
            if ((next === undefined || next === last) && !isOver() && !signal?.aborted) return;
            this.off('bridge', look).off('state', look);
            signal?.removeEventListener('abort', look);
            resolve(isOver() || signal?.aborted ? undefined : next);
          };
          this.on('bridge', look).on('state', look);
          signal?.addEventListener('abort', look);
          look();
        }),
    };
  }

  #monitorFor(operation: Operation): QmpClient {
    const monitor = this.current?.qmp;
    if (monitor === undefined || !this.machine.allows(operation))
      throw this.machine.refusal(operation, this.name);
    return monitor;
  }

  async #snapshot(vm: VirtualMachine | undefined): Promise<BridgeSnapshot | undefined> {
    const asked = vm?.bridge?.snapshot().catch(() => undefined);
    return asked && within(SNAPSHOT_MS, asked);
  }

  #keepHistory(): void {
    const { history } = this;
    this.on('state', (state) => history.add('state', { vm: this.name, state }));
    this.on('bridge', (_, ready) => history.add('bridge', ready));
    this.on('qemu', ({ pid }) => history.add('qemu', { pid }));
    this.on('stderr', (line) => history.log(line));
    this.on('rung', (step) => history.add('rung', step));
    this.on('stop-asked', () => history.add('stop-asked'));
    this.on('asked', (by) => history.add('asked', { by }));
    this.on('event', ({ event, data }) => history.add('monitor', { name: event, data }));
    this.on('guest-reset', (release) => history.add('guest-reset', release ? { release } : {}));
    this.on('bridge-ended', ({ release }) => history.add('release', release));
    this.on('note', (line) => history.log(line));
    this.on('hook', (run) => history.add('hook', run));
    this.on('hook-output', (line) => history.log(line));
    this.on('devices', (names) => history.add('devices', { names }));
    this.on('restart', (restart) => history.add('restart', restart));
    this.on('undone', (undone) => history.add('undone', undone));
    this.on('crash-report', (stored) => history.add('crash-report', stored));
    this.on('run-end', ({ ending, message }) => history.add('run-end', { ending, message }));
  }
}
