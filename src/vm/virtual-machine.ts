import { EventEmitter } from 'node:events';
import { writeFile } from 'node:fs/promises';
import type { ReleaseReport } from '../bpmp/mediator/index.js';
import type { BridgeEnded, BridgeHandle, BridgeReady, startBridge } from '../bpmp/worker/index.js';
import type { VmConfig } from '../config/index.js';
import { GpuvmError } from '../errors.js';
import type { QemuProcess } from '../qemu/index.js';
import { QmpClient, type QmpEvent } from '../qmp/index.js';
import { openBridge, type VmBridge } from './bridge/index.js';
import { monitorDeadlineMs } from './deadlines.js';
import { endedAtOnce, stoppedEarly, stuck, whyItCouldNotStart } from './failures.js';
import { GuestAgent } from './guest-agent.js';
import { MonitorWatch } from './monitor-watch.js';
import { describeExit, judge } from './outcome.js';
import type { EndReport } from './report.js';
import { RuntimeFolder } from './runtime-folder.js';
import { AGENT, MONITOR, spawnQemu } from './spawn-qemu.js';
import { type LadderStep, StopLadder } from './stop-ladder.js';
import { guestTree } from './tree/index.js';
import { defer, delay } from './waiting.js';

export type VmState = 'new' | 'bridge' | 'qemu' | 'monitor' | 'running' | 'stopping' | 'ended';

export interface VmEvents {
  state: [state: VmState];
  /** The bridge serves; its notes are for people. */
  bridge: [handle: BridgeHandle, ready: BridgeReady];
  /** The guest's device tree as it is handed to QEMU, where it is not QEMU's own. */
  tree: [blob: Uint8Array];
  /** QEMU runs; its console may be read and written from here on. */
  qemu: [process: QemuProcess];
  /** One line of QEMU's stderr, printable. */
  stderr: [line: string];
  rung: [step: LadderStep];
  /** How the guest was asked to power down. */
  asked: [by: 'guest-agent' | 'power-button'];
  /** A line for people. */
  note: [line: string];
  /** What QEMU's monitor tells. */
  event: [event: QmpEvent];
  /** The guest's CPUs stand still, or run again. */
  paused: [isPaused: boolean];
  /** The guest was reset and goes on; what it held, where it had a bridge, was given back. */
  'guest-reset': [release: ReleaseReport | undefined];
  /** The guest is gone, and what it held was given back. */
  'bridge-ended': [ended: BridgeEnded];
}

export interface VmOptions {
  /** Hand every transfer of the bridge over, as its 'transfers' events. */
  readonly record?: boolean;
  /** A reset of the guest ends QEMU, so that it can be started afresh. */
  readonly resetEnds?: boolean;
  /** QEMU is killed when this process ends, however it ends. By default only where it ends by itself. */
  readonly diesWithUs?: boolean;
  /** QEMU goes on when this process ends, for another one to take it over. */
  readonly survives?: boolean;
  /** Called with the monitor while the guest still stands at its first instruction; what it throws ends the start. */
  readonly beforeGuest?: (qmp: QmpClient, qemu: QemuProcess) => Promise<void>;
  /** Serves with a thread that was begun before; by default with one that begins now. */
  readonly startBridge?: typeof startBridge;
  /** @internal Tests bring their own bridge. */
  readonly openBridge?: typeof openBridge;
}

/** How long the last words may take once QEMU is gone: its monitor's, and the bridge's giving back. */
const LAST_EVENTS_MS = 1_000;
const BRIDGE_END_MS = 15_000;
/** An agent that is there answers at once, if its guest is not under water. */
const AGENT_MS = 2_000;
/** A QEMU that ends closes its sockets a moment before it is gone. */
const GONE_SOON_MS = 2_000;

/** One run of one VM, from its file to its end. */
export class VirtualMachine extends EventEmitter<VmEvents> {
  readonly config: VmConfig;
  readonly #options: VmOptions;
  readonly #abandon = new AbortController();
  #state: VmState = 'new';
  #bridge: VmBridge | undefined;
  #qemu: QemuProcess | undefined;
  #qmp: QmpClient | undefined;
  #agent: GuestAgent | undefined;
  #ladder: StopLadder | undefined;
  readonly #watch = new MonitorWatch();
  #fault: { ending: 'bridge-fault' | 'monitor-lost'; message: string } | undefined;
  readonly #outlived = defer<never>();

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
    return this.#bridge?.handle;
  }

  /**
   * Runs the VM to its end. Once only. Throws what kept it from starting; from then on, however it ends, is a
   * report. Either way nothing of it is left: no process, no socket, nothing that the guest held.
   */
  async run(): Promise<EndReport> {
    if (this.#state !== 'new') throw new GpuvmError('GPUVM_USAGE', 'a VirtualMachine runs once');
    const startedMs = performance.now();
    this.#enter('bridge');
    const { user, group } = this.config.qemu;
    const folder = await RuntimeFolder.create(user !== undefined || group !== undefined);
    let ended: BridgeEnded | undefined;
    try {
      const qemu = await this.#start(folder);
      const exit = await Promise.race([qemu.exited, this.#outlived.promise]);
      await Promise.race([this.#qmp?.ended, delay(LAST_EVENTS_MS)]);
      ended = await this.#endBridge();
      const rung = this.#ladder?.rung;
      const { seen } = this.#watch;
      const outcome = judge({ exit, seen, rung, fault: this.#fault });
      return {
        vm: this.config.name,
        ...outcome,
        ...(rung ? { rung } : {}),
        qemu: exit,
        ...(seen.shutdown ? { shutdown: seen.shutdown } : {}),
        stderr: [...qemu.stderr.lines],
        ...(ended ? { release: ended.release, requests: ended.snapshot } : {}),
        ...(ended?.lastDecisions ? { lastDecisions: ended.lastDecisions } : {}),
        durationMs: Math.round(performance.now() - startedMs),
      };
    } finally {
      this.#qmp?.close();
      this.#qemu?.signal('SIGKILL');
      if (!ended) await this.#endBridge();
      await folder.remove();
      this.#enter('ended');
    }
  }

  /** Ends the VM by the stop ladder; called again, it goes down a rung at once. */
  stop(): void {
    if (this.#ladder) this.#ladder.next();
    else if (this.#qemu) void this.#descend(this.#qemu);
    else this.#abandon.abort(stoppedEarly());
  }

  async #start(folder: RuntimeFolder): Promise<QemuProcess> {
    const { record = false, startBridge: start } = this.#options;
    const open = this.#options.openBridge ?? openBridge;
    const tree = guestTree(this.config, folder);
    this.#bridge = await open(this.config, folder, { record, start, named: tree?.named });
    if (this.#bridge) this.#watchBridge(this.#bridge.handle);
    this.#abandon.signal.throwIfAborted();
    const blob = await tree?.finish(this.#bridge?.handle.ready.guest);
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
    this.#bridge?.handle.guestProcess(qemu.pid);
    this.emit('qemu', qemu);

    this.#enter('monitor');
    await this.#connect(qemu, folder.file(MONITOR));
    return qemu;
  }

  /** Waits for the monitor and for QEMU's exit, whichever comes first. */
  async #connect(qemu: QemuProcess, path: string): Promise<void> {
    const deadlineMs = monitorDeadlineMs(this.config);
    void qemu.exited.then((exit) => {
      if (!this.#ladder) this.#abandon.abort(endedAtOnce(this.config, qemu, describeExit(exit)));
      else this.#abandon.abort(stoppedEarly());
    });
    try {
      this.#qmp = await QmpClient.connect({ path, deadlineMs, signal: this.#abandon.signal });
    } catch (error) {
      // What was stopped while it started has an end to report like any other.
      if (this.#ladder) return;
      // QEMU's exit shows on the socket first; its own last words are the better explanation.
      await Promise.race([qemu.exited, delay(GONE_SOON_MS)]);
      if (this.#abandon.signal.aborted)
        throw await whyItCouldNotStart(this.#abandon.signal.reason, this.config);
      throw error;
    }
    this.#watch.follow(this.#qmp, {
      onEvent: (event) => this.emit('event', event),
      onPaused: (isPaused) => this.emit('paused', isPaused),
      onReset: () => void this.#rearm(),
    });
    void this.#watchMonitor(this.#qmp, qemu);
    await this.#begin(this.#qmp, qemu);
    if (!this.#ladder) this.#enter('running');
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
    const release = await this.#bridge?.handle.guestReset().catch(() => undefined);
    this.emit('guest-reset', release);
  }

  async #watchMonitor(qmp: QmpClient, qemu: QemuProcess): Promise<void> {
    const reason = await qmp.ended;
    await Promise.race([qemu.exited, delay(GONE_SOON_MS)]);
    if (qemu.isRunning)
      this.#giveUp('monitor-lost', `the VM was stopped because its monitor was lost: ${reason.message}`);
  }

  #watchBridge(handle: BridgeHandle): void {
    this.emit('bridge', handle, handle.ready);
    void handle.ended.then(async ({ end }) => {
      if (end.reason === 'closed') return;
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
    this.#ladder = new StopLadder(
      this.config.stop,
      {
        powerdown: () => this.#askToPowerDown(monitor),
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

  /** By its agent, which needs nothing of the guest's desktop or power settings; else, or as well, by its button. */
  async #askToPowerDown(monitor: () => QmpClient | Promise<never>): Promise<void> {
    const press = async () => {
      this.emit('asked', 'power-button');
      await (await monitor()).execute('system_powerdown');
    };
    try {
      if (this.#agent === undefined || !this.#qmp) return await press();
      await this.#agent.shutdown(AGENT_MS);
    } catch {
      return await press();
    }
    this.emit('asked', 'guest-agent');
    await delay(this.config.stop.powerdown / 2);
    if (this.#ladder?.rung === 'powerdown' && this.#qemu?.isRunning) await press();
  }

  async #endBridge(): Promise<BridgeEnded | undefined> {
    const bridge = this.#bridge;
    if (!bridge) return undefined;
    this.#bridge = undefined;
    bridge.spawned();
    const ended = await Promise.race([bridge.handle.close(), delay(BRIDGE_END_MS)]);
    if (ended) this.emit('bridge-ended', ended);
    return ended;
  }

  #enter(state: VmState): void {
    this.#state = state;
    this.emit('state', state);
  }
}
