import { EventEmitter } from 'node:events';
import type { BridgeHandle } from '../bpmp/worker/index.js';
import type { VmConfig } from '../config/index.js';
import { GpuvmError } from '../errors.js';
import type { ProcessExit, QemuProcess } from '../qemu/index.js';
import type { QmpClient } from '../qmp/index.js';
import { stoppedEarly } from './failures.js';
import { GuestAgent } from './guest-agent.js';
import { GuestBridge } from './guest-bridge.js';
import {
  cannotTakeOver,
  type HandOver,
  type HandOverState,
  handOverState,
  nameFds,
  passOn,
  readHandOverState,
} from './hand-over/index.js';
import { GONE_SOON_MS, Monitor } from './monitor.js';
import { judge } from './outcome.js';
import { type EndReport, endReport, handOverReport } from './report.js';
import { resume } from './resume.js';
import type { RunParts } from './run-parts.js';
import { RuntimeFolder } from './runtime-folder.js';
import { AGENT } from './spawn-qemu.js';
import { start } from './start.js';
import { Stopping } from './stopping.js';
import type { VmEvents, VmOptions, VmState } from './vm-events.js';
import { defer, within } from './waiting.js';

/** One run of one VM, from its file to its end. */
export class VirtualMachine extends EventEmitter<VmEvents> {
  readonly config: VmConfig;
  readonly #options: VmOptions;
  readonly #abandon = new AbortController();
  readonly #bridge: GuestBridge;
  readonly #monitor: Monitor;
  readonly #stopping: Stopping;
  readonly #handedOver = defer<'handed-over'>();
  #state: VmState = 'new';
  #qemu: QemuProcess | undefined;
  #exit: ProcessExit | undefined;
  #agent: GuestAgent | undefined;
  #folder: RuntimeFolder | undefined;
  #startedMs = 0;

  constructor(config: VmConfig, options: VmOptions = {}) {
    super();
    this.config = config;
    this.#options = options;
    this.#bridge = new GuestBridge(config, options, this, (why) => void this.#onBridgeFault(why));
    this.#monitor = new Monitor(config, this, {
      // After a reset the guest knows nothing of what it held before it.
      onReset: () => void this.#bridge.guestReset(),
      onLost: (why) => this.#onMonitorLost(why),
    });
    const onBegin = () => this.#enter('stopping');
    this.#stopping = new Stopping({ config, monitor: this.#monitor, tell: this, onBegin });
  }

  get state(): VmState {
    return this.#state;
  }

  get pid(): number | undefined {
    return this.#qemu?.pid;
  }

  /** How QEMU ended, once it has. */
  get exit(): ProcessExit | undefined {
    return this.#exit;
  }

  /** The monitor, once there is one. */
  get qmp(): QmpClient | undefined {
    return this.#monitor.qmp;
  }

  /** The agent's channel, where the VM file gives the guest one; whether an agent is there, it has to be asked. */
  get guestAgent(): GuestAgent | undefined {
    return this.#agent;
  }

  /** The bridge, while it serves. */
  get bridge(): BridgeHandle | undefined {
    return this.#bridge.handle;
  }

  /**
   * Runs the VM to its end. Once only. Throws what kept it from starting; from then on, however it ends, is a
   * report. Either way nothing of it is left: no process, no socket, nothing that the guest held.
   */
  async run(): Promise<EndReport> {
    if (this.#state !== 'new') throw new GpuvmError('GPUVM_USAGE', 'a VirtualMachine runs once');
    this.#enter('bridge');
    const { takeOver } = this.#options;
    const taken = takeOver && readHandOverState(takeOver.state, this.config.name);
    const { user, group } = this.config.qemu;
    const folder = taken
      ? RuntimeFolder.adopt(taken.folder)
      : await RuntimeFolder.create(user !== undefined || group !== undefined);
    this.#folder = folder;
    this.#startedMs = taken?.startedMs ?? Date.now();
    const parts = this.#parts(folder);
    try {
      const qemu =
        takeOver && taken
          ? await resume(parts, takeOver, taken, (why) => this.#onMonitorLost(why))
          : await start(parts);
      const ends = [qemu.exited, this.#stopping.outlived, this.#handedOver.promise] as const;
      const exit = await Promise.race(ends);
      if (exit === 'handed-over') return handOverReport(this.config, qemu, this.#startedMs);
      await this.#monitor.lastWords();
      return await this.#report(qemu, exit);
    } finally {
      if (this.#monitor.isPassedOn) folder.keep();
      else await this.#clear(folder);
      this.#enter('ended');
    }
  }

  /** Ends the VM by the stop ladder; called again, it goes down a rung at once. */
  stop(): void {
    if (this.#qemu) this.#stopping.next(this.#qemu, this.#agent);
    else this.#abandon.abort(stoppedEarly());
  }

  /**
   * What another process would go on with if this one were killed now; still this one's, and valid until the bridge's
   * `fds-changed`. Undefined where the VM does not run, or was not started to survive.
   */
  kept(): HandOver | undefined {
    const qemu = this.#qemu?.fds;
    const { qmp } = this.#monitor;
    if (this.#state !== 'running' || qemu === undefined || qmp === undefined) return undefined;
    const bridge = this.bridge?.fds ?? [];
    return { fds: nameFds({ qemu, monitor: qmp.descriptor, bridge }), state: this.#handOverState() };
  }

  /**
   * Lets go of the VM, which runs on: `run` resolves with the ending `handed-over`, and `takeOver` goes on with what this
   * resolves with, in this process or another. The guest waits with its requests from then on. Throws GPUVM_HAND_OVER
   * where it does not run or was not started to survive, and what kept the monitor or the bridge from letting go; then it
   * runs on as before, or its bridge is lost and it is ended.
   */
  async detach(): Promise<HandOver> {
    const qemu = this.#qemu;
    const { qmp } = this.#monitor;
    if (this.#state !== 'running' || qemu?.fds === undefined || qmp === undefined) {
      throw cannotTakeOver(this.config.name, 'it does not run, or was not started for that');
    }
    this.#monitor.isPassedOn = true;
    try {
      const onKept = (kept: QmpClient) => this.#monitor.follow(kept, qemu);
      const { fds, qmp: monitor, bridge } = await passOn(qemu, qmp, this.bridge, onKept);
      this.#handedOver.resolve('handed-over');
      return { fds, state: this.#handOverState({ qmp: monitor, bridge }) };
    } catch (error) {
      this.#monitor.isPassedOn = false;
      throw error;
    }
  }

  #handOverState(more: Pick<HandOverState, 'qmp' | 'bridge'> = {}): HandOverState {
    const { path: folder } = this.#folder!;
    const { seen } = this.#monitor;
    return handOverState({
      vm: this.config.name,
      pid: this.#qemu!.pid,
      folder,
      startedMs: this.#startedMs,
      seen: { ...seen },
      ...more,
    });
  }

  #parts(folder: RuntimeFolder): RunParts {
    return {
      config: this.config,
      options: this.#options,
      folder,
      bridge: this.#bridge,
      monitor: this.#monitor,
      stopping: this.#stopping,
      abandon: this.#abandon,
      tell: this,
      enter: (state) => this.#enter(state),
      attach: (qemu) => {
        this.#qemu = qemu;
        void qemu.exited.then((exit) => {
          this.#exit = exit;
        });
        if (this.config.guestAgent) this.#agent = new GuestAgent(folder.file(AGENT));
        this.emit('qemu', qemu);
      },
    };
  }

  async #report(qemu: QemuProcess, exit: ProcessExit): Promise<EndReport> {
    const { config } = this;
    const { seen } = this.#monitor;
    const { rung, fault } = this.#stopping;
    const ended = await this.#bridge.end();
    const outcome = judge({ exit, seen, rung, fault });
    return endReport({ config, qemu, exit, outcome, seen, rung, ended, startedMs: this.#startedMs });
  }

  /** Whatever it came to, nothing of it stays: QEMU first, since its guest goes on asking to its end. */
  async #clear(folder: RuntimeFolder): Promise<void> {
    this.#monitor.close();
    if (this.#qemu?.isRunning) {
      this.#qemu.signal('SIGKILL');
      await within(this.config.stop.kill, this.#qemu.exited);
    }
    await this.#bridge.end();
    await folder.remove();
  }

  #onMonitorLost(why: string): void {
    this.#giveUp('monitor-lost', `the VM was stopped because its monitor was lost: ${why}`);
  }

  async #onBridgeFault(why: string): Promise<void> {
    const qemu = this.#qemu;
    if (qemu === undefined) return this.#abandon.abort(new GpuvmError('GPUVM_BRIDGE', why));
    // A QEMU that has ended is the reason, and no fault.
    await within(GONE_SOON_MS, qemu.exited);
    if (qemu.isRunning) this.#giveUp('bridge-fault', `the VM was stopped because its bridge ended: ${why}`);
  }

  #giveUp(ending: 'bridge-fault' | 'monitor-lost', message: string): void {
    this.#stopping.fault = { ending, message };
    if (!this.#stopping.isBegun) this.stop();
  }

  #enter(state: VmState): void {
    this.#state = state;
    this.emit('state', state);
  }
}
