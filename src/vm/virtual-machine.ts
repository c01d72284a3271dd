import { EventEmitter } from 'node:events';
import { writeFile } from 'node:fs/promises';
import type { BridgeEnded, BridgeHandle } from '../bpmp/worker/index.js';
import type { VmConfig } from '../config/index.js';
import { GpuvmError } from '../errors.js';
import { identityOf } from '../journal/index.js';
import { type ProcessExit, QemuProcess } from '../qemu/index.js';
import { QmpClient } from '../qmp/index.js';
import { openBridge, type VmBridge } from './bridge/index.js';
import { monitorDeadlineMs } from './deadlines.js';
import { endedAtOnce, stoppedEarly, stuck, whyItCouldNotStart } from './failures.js';
import { GuestAgent } from './guest-agent.js';
import {
  cannotTakeOver,
  findFds,
  HAND_OVER_VERSION,
  type HandOver,
  type HandOverState,
  nameFds,
  passOn,
  readHandOverState,
} from './hand-over/index.js';
import { MonitorWatch, type Seen } from './monitor-watch.js';
import { describeExit, judge } from './outcome.js';
import { PowerDown } from './power-down.js';
import { type EndReport, endReport, handOverReport } from './report.js';
import { RuntimeFolder } from './runtime-folder.js';
import { AGENT, MONITOR, spawnQemu } from './spawn-qemu.js';
import { StopLadder } from './stop-ladder.js';
import { guestTree } from './tree/index.js';
import type { VmEvents, VmOptions, VmState } from './vm-events.js';
import { defer, delay } from './waiting.js';

/** How long the last words may take once QEMU is gone: its monitor's, and the bridge's giving back. */
const LAST_EVENTS_MS = 1_000;
const BRIDGE_END_MS = 15_000;
/** A QEMU that ends closes its sockets a moment before it is gone. */
const GONE_SOON_MS = 2_000;

/** One run of one VM, from its file to its end. */
export class VirtualMachine extends EventEmitter<VmEvents> {
  readonly config: VmConfig;
  readonly #options: VmOptions;
  readonly #abandon = new AbortController();
  #state: VmState = 'new';
  #bridge: VmBridge | undefined;
  /** Once the bridge serves, until it is closed. */
  #handle: BridgeHandle | undefined;
  #qemu: QemuProcess | undefined;
  #qmp: QmpClient | undefined;
  #agent: GuestAgent | undefined;
  #ladder: StopLadder | undefined;
  readonly #watch = new MonitorWatch();
  #fault: { ending: 'bridge-fault' | 'monitor-lost'; message: string } | undefined;
  readonly #outlived = defer<never>();
  readonly #handedOver = defer<'handed-over'>();
  #isHandedOver = false;
  #folder: RuntimeFolder | undefined;
  #startedMs = 0;

  constructor(config: VmConfig, options: VmOptions = {}) {
    super();
    this.config = config;
    this.#options = options;
  }

  get state(): VmState {
    return this.#state;
  }

  get pid(): number | undefined {
    return this.#qemu?.pid;
  }

  /** The monitor, once the VM runs. */
  get qmp(): QmpClient | undefined {
    return this.#qmp;
  }

  /** The agent's channel, where the VM file gives the guest one; whether an agent is there, it has to be asked. */
  get guestAgent(): GuestAgent | undefined {
    return this.#agent;
  }

  /** The bridge, while it serves. */
  get bridge(): BridgeHandle | undefined {
    return this.#handle;
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
    try {
      const qemu = takeOver && taken ? await this.#resume(takeOver, taken) : await this.#start(folder);
      const exit = await Promise.race([qemu.exited, this.#outlived.promise, this.#handedOver.promise]);
      if (exit === 'handed-over') return handOverReport(this.config, qemu, this.#startedMs);
      await Promise.race([this.#qmp?.ended, delay(LAST_EVENTS_MS)]);
      return this.#report(qemu, exit, await this.#endBridge());
    } finally {
      if (this.#isHandedOver) {
        folder.keep();
      } else {
        this.#qmp?.close();
        this.#qemu?.signal('SIGKILL');
        await this.#endBridge();
        await folder.remove();
      }
      this.#enter('ended');
    }
  }

  /** Ends the VM by the stop ladder; called again, it goes down a rung at once. */
  stop(): void {
    if (this.#ladder) this.#ladder.next();
    else if (this.#qemu) void this.#descend(this.#qemu);
    else this.#abandon.abort(stoppedEarly());
  }

  /**
   * What another process would go on with if this one were killed now; still this one's, and valid until the bridge's
   * `fds-changed`. Undefined where the VM does not run, or was not started to survive.
   */
  kept(): HandOver | undefined {
    const qemu = this.#qemu?.fds;
    if (this.#state !== 'running' || qemu === undefined || this.#qmp === undefined) return undefined;
    const bridge = this.#handle?.fds ?? [];
    return { fds: nameFds({ qemu, monitor: this.#qmp.descriptor, bridge }), state: this.#handOverState() };
  }

  /**
   * Lets go of the VM, which runs on: `run` resolves with the ending `handed-over`, and `takeOver` goes on with what this
   * resolves with, in this process or another. The guest waits with its requests from then on. Throws GPUVM_HAND_OVER
   * where it does not run or was not started to survive, and what kept the monitor or the bridge from letting go; then it
   * runs on as before, or its bridge is lost and it is ended.
   */
  async detach(): Promise<HandOver> {
    const qemu = this.#qemu;
    const qmp = this.#qmp;
    if (this.#state !== 'running' || qemu?.fds === undefined || qmp === undefined) {
      throw cannotTakeOver(this.config.name, 'it does not run, or was not started for that');
    }
    this.#isHandedOver = true;
    try {
      const {
        fds,
        qmp: monitor,
        bridge,
      } = await passOn(qemu, qmp, this.bridge, (kept) => this.#follow(kept, qemu));
      this.#handedOver.resolve('handed-over');
      return { fds, state: this.#handOverState({ qmp: monitor, bridge }) };
    } catch (error) {
      this.#isHandedOver = false;
      throw error;
    }
  }

  #handOverState(more: Pick<HandOverState, 'qmp' | 'bridge'> = {}): HandOverState {
    const { pid } = this.#qemu!;
    return {
      version: HAND_OVER_VERSION,
      vm: this.config.name,
      pid,
      startTime: identityOf(pid)?.startTime ?? 0,
      folder: this.#folder!.path,
      startedMs: this.#startedMs,
      seen: { ...this.#watch.seen },
      ...more,
    };
  }

  #report(qemu: QemuProcess, exit: ProcessExit, ended: BridgeEnded | undefined): EndReport {
    const { seen } = this.#watch;
    const rung = this.#ladder?.rung;
    const outcome = judge({ exit, seen, rung, fault: this.#fault });
    const { config } = this;
    return endReport({ config, qemu, exit, outcome, seen, rung, ended, startedMs: this.#startedMs });
  }

  /** Goes on with a VM that runs: the bridge first, as the guest waits for nothing else. */
  async #resume({ fds }: HandOver, state: HandOverState): Promise<QemuProcess> {
    const found = findFds(fds, this.config.name);
    const { record = false, startBridge: start, ledgerFile } = this.#options;
    const open = this.#options.openBridge ?? openBridge;
    const takeOver = { fds: found.bridge, ...(state.bridge === undefined ? {} : { state: state.bridge }) };
    this.#bridge = await open(this.config, this.#folder!, { record, start, ledgerFile, takeOver });
    await this.#serving(this.#bridge);
    if (state.seen) this.#watch.recall(state.seen as Partial<Seen>);

    this.#enter('qemu');
    const qemu = QemuProcess.adopt(state.pid, found.qemu, (line) => this.emit('stderr', line));
    this.#qemu = qemu;
    if (this.config.guestAgent) this.#agent = new GuestAgent(this.#folder!.file(AGENT));
    this.#handle?.guestProcess(qemu.pid);
    this.emit('qemu', qemu);

    this.#enter('monitor');
    void qemu.exited.then(() => this.#abandon.abort(stoppedEarly()));
    try {
      // One that has ended has its last words in the socket all the same.
      const signal = state.qmp === undefined ? this.#abandon.signal : undefined;
      const qmp = await QmpClient.adopt({ fd: found.monitor, state: state.qmp, signal });
      this.#follow(qmp, qemu);
      // To write to one that is gone would close the socket before those were read.
      await new Promise((resolve) => setTimeout(resolve, 1));
      if (!qemu.isRunning) return qemu;
      const { status } = await qmp.execute('query-status', {}, { signal });
      // The supervisor before was killed between QEMU's start and its guest's.
      if (status === 'prelaunch') await this.#begin(qmp, qemu);
      this.#enter('running');
      if (status === 'paused') this.emit('paused', true);
    } catch (error) {
      // One that has ended meanwhile has an end to report like any other; one that does not answer is ended.
      await Promise.race([qemu.exited, delay(GONE_SOON_MS)]);
      if (qemu.isRunning)
        this.#giveUp(
          'monitor-lost',
          `the VM was stopped because its monitor was lost: ${(error as Error).message}`,
        );
    }
    return qemu;
  }

  async #start(folder: RuntimeFolder): Promise<QemuProcess> {
    const { record = false, startBridge: start, ledgerFile } = this.#options;
    const open = this.#options.openBridge ?? openBridge;
    const tree = guestTree(this.config, folder);
    this.#bridge = await open(this.config, folder, {
      record,
      start,
      ledgerFile,
      named: tree?.named,
    });
    const serving = this.#serving(this.#bridge);
    // It may fail while QEMU starts, and is looked at only then.
    serving.catch(() => undefined);
    this.#abandon.signal.throwIfAborted();
    const blob = await tree?.finish(async () => (await serving)?.ready.guest);
    const dtb = blob && folder.file('guest.dtb');
    if (dtb) {
      await writeFile(dtb, blob);
      this.emit('tree', blob);
    }
    this.#abandon.signal.throwIfAborted();

    this.#enter('qemu');
    const { diesWithUs = false, survives = false } = this.#options;
    if (this.config.guestAgent) this.#agent = new GuestAgent(folder.file(AGENT));
    const qemu = await spawnQemu(this.config, folder, {
      bridge: this.#bridge,
      dtb,
      diesWithUs,
      survives,
      onStderrLine: (line) => this.emit('stderr', line),
      onNote: (line) => this.emit('note', line),
    });
    this.#qemu = qemu;
    this.#bridge?.spawned();
    this.emit('qemu', qemu);
    serving.then(
      (handle) => handle?.guestProcess(qemu.pid),
      (error) => {
        this.#abandon.abort(error);
        // It waits for the bridge, and would for long.
        qemu.signal('SIGKILL');
      },
    );

    this.#enter('monitor');
    await this.#connect(qemu, folder.file(MONITOR), serving);
    return qemu;
  }

  /** Waits for the monitor and for QEMU's exit, whichever comes first. */
  async #connect(qemu: QemuProcess, path: string, serving: Promise<unknown>): Promise<void> {
    const deadlineMs = monitorDeadlineMs(this.config);
    void qemu.exited.then((exit) => {
      if (!this.#ladder) this.#abandon.abort(endedAtOnce(this.config, qemu, describeExit(exit)));
      else this.#abandon.abort(stoppedEarly());
    });
    try {
      this.#qmp = await QmpClient.connect({ path, deadlineMs, signal: this.#abandon.signal });
      await serving;
    } catch (error) {
      // What was stopped while it started has an end to report like any other.
      if (this.#ladder) return;
      // QEMU's exit shows on the socket first; its own last words are the better explanation.
      await Promise.race([qemu.exited, delay(GONE_SOON_MS)]);
      if (this.#abandon.signal.aborted)
        throw await whyItCouldNotStart(this.#abandon.signal.reason, this.config);
      throw error;
    }
    this.#follow(this.#qmp, qemu);
    await this.#begin(this.#qmp, qemu);
    if (!this.#ladder) this.#enter('running');
  }

  #follow(qmp: QmpClient, qemu: QemuProcess): void {
    this.#qmp = qmp;
    this.#watch.follow(qmp, {
      onEvent: (event) => this.emit('event', event),
      onPaused: (isPaused) => this.emit('paused', isPaused),
      onReset: () => void this.#rearm(),
    });
    void this.#watchMonitor(qmp, qemu);
  }

  /** Lets the guest go; one whose file says `-S` waits for whoever asked for that, a debugger say. */
  async #begin(qmp: QmpClient, qemu: QemuProcess): Promise<void> {
    try {
      if (this.#options.resetEnds) await qmp.execute('set-action', { reboot: 'shutdown' });
      await this.#options.beforeGuest?.(qmp, qemu);
      if (!this.config.extraArguments.includes('-S')) await qmp.execute('cont');
    } catch (error) {
      // A QEMU that is gone has an end to report like any other.
      await Promise.race([qemu.exited, delay(GONE_SOON_MS)]);
      if (qemu.isRunning && !this.#ladder) throw error;
    }
  }

  /** After a reset the guest knows nothing of what it held before it. */
  async #rearm(): Promise<void> {
    const release = await this.#handle?.guestReset().catch(() => undefined);
    this.emit('guest-reset', release);
  }

  async #watchMonitor(qmp: QmpClient, qemu: QemuProcess): Promise<void> {
    const reason = await qmp.ended;
    if (this.#isHandedOver) return;
    await Promise.race([qemu.exited, delay(GONE_SOON_MS)]);
    if (qemu.isRunning)
      this.#giveUp('monitor-lost', `the VM was stopped because its monitor was lost: ${reason.message}`);
  }

  async #serving(bridge: VmBridge | undefined): Promise<BridgeHandle | undefined> {
    const handle = await bridge?.ready;
    if (handle === undefined) return undefined;
    this.#handle = handle;
    this.#watchBridge(handle);
    return handle;
  }

  #watchBridge(handle: BridgeHandle): void {
    this.emit('bridge', handle, handle.ready);
    void handle.ended.then(async ({ end }) => {
      if (end.reason === 'closed' || end.reason === 'handed-over') return;
      if (this.#qemu) await Promise.race([this.#qemu.exited, delay(GONE_SOON_MS)]);
      if (this.#qemu && !this.#qemu.isRunning) return;
      const why = end.reason === 'fault' ? end.message : 'QEMU closed its connection to it for good';
      this.#giveUp('bridge-fault', `the VM was stopped because its bridge ended: ${why}`);
    });
  }

  #giveUp(ending: 'bridge-fault' | 'monitor-lost', message: string): void {
    this.#fault ??= { ending, message };
    if (!this.#ladder) this.stop();
  }

  async #descend(qemu: QemuProcess): Promise<void> {
    const monitor = () => this.#qmp ?? Promise.reject(new Error('no monitor'));
    const powerDown = new PowerDown({
      agent: this.#qmp && this.#agent,
      press: async () => (await monitor()).execute('system_powerdown'),
      onAsked: (by) => this.emit('asked', by),
      patienceMs: this.config.stop.powerdown / 2,
      isStillDue: () => this.#ladder?.rung === 'powerdown' && qemu.isRunning,
    });
    this.#ladder = new StopLadder(
      this.config.stop,
      {
        powerdown: () => powerDown.ask(),
        quit: async () => (await monitor()).execute('quit'),
        terminate: () => qemu.signal('SIGTERM'),
        kill: () => qemu.signal('SIGKILL'),
      },
      qemu.exited,
      (step) => this.emit('rung', step),
    );
    this.#enter('stopping');
    if (!(await this.#ladder.descend())) this.#outlived.reject(stuck(qemu.pid));
  }

  async #endBridge(): Promise<BridgeEnded | undefined> {
    const bridge = this.#bridge;
    if (!bridge) return undefined;
    this.#bridge = undefined;
    bridge.spawned();
    const handle = await bridge.ready.catch(() => undefined);
    const ended = await Promise.race([handle?.close(), delay(BRIDGE_END_MS)]);
    this.#handle = undefined;
    if (ended) this.emit('bridge-ended', ended);
    return ended;
  }

  #enter(state: VmState): void {
    this.#state = state;
    this.emit('state', state);
  }
}
