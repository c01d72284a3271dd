import type { VmConfig } from '../config/index.js';
import { GpuvmError } from '../errors.js';
import type { CaptureToDisk } from './capture-to-disk.js';
import { Controlled } from './controlled.js';
import type { StoredReport } from './crash-report/index.js';
import { graceMs } from './deadlines.js';
import { reportFailure } from './failure-report.js';
import { stoppedEarly } from './failures.js';
import { type HandOver, type HandOverState, readHandOverState } from './hand-over/index.js';
import { HookRunner } from './hook-runner.js';
import { type HostUndone, hostDevices } from './host-devices.js';
import { RestartPlan, type Verdict } from './restart.js';
import { mayTryAgain } from './retry.js';
import { stateFoldersToTry } from './state-folders.js';
import { supervisedCapture } from './supervised-capture.js';
import { forward, type RunResult, stepOf, supervisedRun } from './supervised-run.js';
import type { SupervisorOptions } from './supervisor-options.js';
import { isFailure, type SupervisorReport, stoppedWhileWaiting, wasReset } from './supervisor-report.js';
import { TakenDevices } from './taken-devices.js';
import type { VirtualMachine } from './virtual-machine.js';
import { pause } from './waiting.js';

/**
 * A VM from its file to a host that is as before: takes the host's devices, runs QEMU, runs it again where the file
 * asks for that, and gives everything back, whatever happens. It is a `ControlledVm` by its shape.
 */
export class Supervisor extends Controlled {
  readonly #options: SupervisorOptions;
  readonly #hooks: HookRunner;
  readonly #devices: TakenDevices;
  readonly #plan: RestartPlan;
  readonly #capture: CaptureToDisk | undefined;
  /** Aborted by the first `stop`: no start and no restart follows. */
  readonly #stopped = new AbortController();
  /** Aborted by the second, for hooks that hold up the stop. */
  readonly #hurried = new AbortController();
  #runSinceMs = 0;

  constructor(config: VmConfig, options: SupervisorOptions = {}) {
    super(config);
    this.#options = options;
    this.#devices = new TakenDevices(options.hostDevices ?? hostDevices(config, options), {
      onStep: (step) => this.machine.take(step),
      onTaken: (names) => this.emit('devices', names),
      onUndone: (undone) => this.emit('undone', undone),
      onNote: (line) => this.emit('note', line),
    });
    this.#plan = new RestartPlan(config.restart);
    this.#capture = supervisedCapture(this, options);
    this.#hooks = new HookRunner(config.hooks, () => this.#environment(), {
      onRun: (run) => this.emit('hook', run),
      onLine: (line) => this.emit('hook-output', line),
      onProblem: (message) => this.emit('note', message),
    });
  }

  protected get deviceNames(): readonly string[] {
    return this.#devices.names;
  }

  /**
   * Runs the VM to its end, restarts included. Once only. Throws what kept it from running; from then on, however it
   * ends, is a report. Either way the host is as before, or the report and the notes say what is not.
   */
  async run(): Promise<SupervisorReport> {
    if (this.state !== 'new') throw new GpuvmError('GPUVM_USAGE', 'a Supervisor runs once');
    const { takeOver } = this.#options;
    // Without a capture it is on its way at once, for whoever asks right after.
    if (this.#capture) await (takeOver ? this.#capture.reopen() : this.#capture.open());
    try {
      return await this.#runAll();
    } finally {
      await this.#capture?.close();
    }
  }

  async #runAll(): Promise<SupervisorReport> {
    this.#runSinceMs = Date.now();
    this.machine.take('start');
    let last = await this.#runOnce(this.#options.takeOver);
    if (last.end?.ending === 'handed-over') return { ...last.end, restarts: this.restarts };
    let verdict = this.#judge(last);
    while (verdict.restart) {
      await this.#report(last);
      await this.#hooks.run('postStop', this.#hurried.signal);
      const { delayMs, reason } = verdict;
      this.machine.take('wait');
      this.emit('restart', { number: this.restarts + 1, delayMs, reason });
      await pause(delayMs, this.#stopped.signal);
      if (this.#stopped.signal.aborted) {
        if (last.end) last = { end: stoppedWhileWaiting(last.end) };
        break;
      }
      this.restarts++;
      this.#runSinceMs = Date.now();
      this.machine.take('again');
      last = await this.#runOnce();
      if (last.end?.ending === 'handed-over') return { ...last.end, restarts: this.restarts };
      verdict = this.#judge(last);
    }
    // A run that was to be followed by another has its report already.
    const isOver = verdict.restart;
    const gaveUp = verdict.restart ? undefined : verdict.reason;
    if (gaveUp !== undefined) this.emit('note', gaveUp);
    this.machine.take('restore');
    const undone = await this.#devices.restore();
    const report = isOver ? undefined : await this.#report(last, undone);
    if (!isOver) await this.#hooks.run('postStop', this.#hurried.signal);
    this.machine.take('end');
    if (last.end === undefined) throw last.error;
    return {
      ...last.end,
      restarts: this.restarts,
      ...(gaveUp === undefined ? {} : { gaveUp }),
      ...(undone && { undone }),
      ...(report && { crashReport: report.text }),
    };
  }

  /** Ends the VM by the stop ladder, for good; called again, it goes down a rung at once. */
  stop(): void {
    if (!this.machine.allows('stop')) return;
    const { current } = this;
    if (this.#stopped.signal.aborted) {
      this.#hurried.abort();
      current?.stop();
      return;
    }
    this.#stopped.abort();
    this.emit('stop-asked');
    if (current === undefined) return;
    void this.#hooks.run('preStop', this.#hurried.signal).then(() => {
      // A second stop has begun with the ladder already.
      if (!this.#hurried.signal.aborted) current.stop();
    });
  }

  /**
   * What another supervisor would go on with if this process were killed now; still this one's. Undefined where the VM
   * does not run, or was not to survive.
   */
  kept(): HandOver | undefined {
    const kept = this.current?.kept();
    return kept && { fds: kept.fds, state: this.#withOwn(kept.state) };
  }

  /**
   * Lets go of the VM and of the host's devices, which stay the guest's: `run` resolves with the ending `handed-over`, and
   * a Supervisor with `takeOver` goes on. Throws what `VirtualMachine.detach` throws, and then nothing has changed.
   */
  async detach(): Promise<HandOver> {
    const vm = this.current;
    if (vm === undefined || !this.machine.allows('detach')) throw this.machine.refusal('detach', this.name);
    const { fds, state } = await vm.detach();
    const own = this.#withOwn(state);
    await this.#devices.handOver();
    return { fds, state: own };
  }

  #withOwn(state: unknown): HandOverState {
    const supervisor = { restarts: this.restarts, ...this.#devices.state };
    return { ...(state as HandOverState), supervisor };
  }

  async #takeOver({ state }: HandOver): Promise<void> {
    const { supervisor } = readHandOverState(state, this.name);
    this.restarts = supervisor?.restarts ?? 0;
    await this.#devices.adopt(supervisor);
  }

  async #runOnce(takeOver?: HandOver): Promise<RunResult> {
    let result: RunResult;
    try {
      if (takeOver) await this.#takeOver(takeOver);
      else await this.#hooks.run('preStart', this.#stopped.signal);
      this.#throwIfStopped();
      await this.#devices.take();
      this.#throwIfStopped();
      this.current = this.#follow(supervisedRun(this.config, this.#options, takeOver), takeOver);
      result = { end: await this.current.run() };
    } catch (error) {
      result = { error };
    }
    // The kernel is not done with a killed process's devices when the process is gone.
    if (this.current?.exit?.signal === 'SIGKILL') await pause(graceMs(this.config));
    if (this.current?.exit)
      await this.#devices.closed().catch((error: Error) => this.emit('note', error.message));
    this.current = undefined;
    this.machine.take(result.end?.ending === 'handed-over' ? 'hand-over' : 'gone');
    const { end, error } = result;
    this.lastEnd = end ?? {
      ending: 'crash',
      message: error instanceof Error ? error.message : String(error),
    };
    this.emit('run-end', end ?? { ending: 'start-failed', message: this.lastEnd.message });
    return result;
  }

  #follow(vm: VirtualMachine, takeOver: HandOver | undefined): VirtualMachine {
    vm.on('qemu', ({ console, pid }) => {
      this.currentSinceMs = performance.now();
      this.#devices.opened(pid);
      this.console.attach(console);
    });
    forward(vm, this);
    vm.on('state', (state) => {
      const step = stepOf[state];
      if (step !== undefined) this.machine.offer(step);
      if (state === 'running' && !takeOver) void this.#hooks.run('postStart', this.#stopped.signal);
    });
    vm.on('paused', (isPaused) => this.machine.offer(isPaused ? 'pause' : 'resume'));
    return vm;
  }

  async #report({ end, error }: RunResult, undone?: HostUndone): Promise<StoredReport | undefined> {
    const facts = {
      vm: this.name,
      file: this.config.file,
      startedMs: this.#runSinceMs,
      restarts: this.restarts,
      end,
      error,
      timeline: this.history.milestonesSince(this.#runSinceMs),
      console: this.console.recent(),
      undone,
    };
    const folders = stateFoldersToTry(this.#options.stateDir);
    const stored = await reportFailure(facts, folders, (why) => this.emit('note', why));
    if (stored) this.emit('crash-report', stored);
    return stored;
  }

  #judge({ end, error }: RunResult): Verdict {
    if (this.#stopped.signal.aborted) return { restart: false };
    if (end === undefined) {
      if (!mayTryAgain(error, this.restarts > 0)) return { restart: false };
      return this.#plan.after({ isFailure: true, isReset: false, durationMs: 0 });
    }
    const { ending, durationMs } = end;
    const isReset = this.config.onGuestReset === 'restart' && wasReset(end);
    return this.#plan.after({ isFailure: isFailure(ending), isReset, durationMs });
  }

  #throwIfStopped(): void {
    if (this.#stopped.signal.aborted) throw stoppedEarly();
  }

  #environment(): Record<string, string> {
    const { pid } = this.current ?? {};
    return {
      GPUVM_VM: this.name,
      GPUVM_FILE: this.config.file,
      GPUVM_STATE: this.state,
      GPUVM_RESTARTS: String(this.restarts),
      ...(pid === undefined ? {} : { GPUVM_QEMU_PID: String(pid) }),
      ...(this.lastEnd && { GPUVM_ENDING: this.lastEnd.ending }),
    };
  }
}
