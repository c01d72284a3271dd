import { join } from 'node:path';
import { runtimeFolder, type VmConfig } from '../config/index.js';
import { GpuvmError } from '../errors.js';
import { Controlled } from './controlled.js';
import type { StoredReport } from './crash-report/index.js';
import { graceMs } from './deadlines.js';
import { stoppedEarly } from './failures.js';
import { type HandOver, type HandOverState, readHandOverState } from './hand-over/index.js';
import { HookRunner } from './hook-runner.js';
import {
  type HeldDevices,
  type HostDevices,
  type HostUndone,
  hostDevices,
  nothingHeld,
} from './host-devices.js';
import type { EndReport } from './report.js';
import { RestartPlan, type Verdict } from './restart.js';
import { mayTryAgain } from './retry.js';
import { stateFoldersToTry } from './state-folders.js';
import type { Step } from './states.js';
import { isFailure, type SupervisorReport, stoppedWhileWaiting } from './supervisor-report.js';
import { VirtualMachine } from './virtual-machine.js';
import type { VmOptions, VmState } from './vm-events.js';
import { delay } from './waiting.js';

export interface SupervisorOptions extends Pick<VmOptions, 'record' | 'startBridge' | 'openBridge'> {
  /** Where reports, journals and locks go; by default `/var/lib/gpuvm`, or GPUVM_STATE_DIR. */
  readonly stateDir?: string;
  /** QEMU goes on when this process ends, for another one to take it over: see `kept` and `detach`. */
  readonly handOver?: boolean;
  /** Goes on with a VM that another supervisor has let go of, or was killed with. Its restarts are of its own file. */
  readonly takeOver?: HandOver;
  /** Awaited while QEMU is there and its guest still stands at its first instruction; what it throws ends the start. */
  readonly beforeGuest?: () => Promise<void>;
  /** Takes the host's devices; by default as the VM file says, by way of vfio and the journal. */
  readonly hostDevices?: HostDevices;
}

/** How one run of QEMU came out: it ran and ended, or it never ran. */
type RunResult =
  | { readonly end: EndReport; readonly error?: never }
  | { readonly error: unknown; readonly end?: never };

const stepOf: Readonly<Partial<Record<VmState, Step>>> = {
  bridge: 'bridge',
  qemu: 'qemu',
  monitor: 'monitor',
  running: 'run',
  stopping: 'stop',
};

/**
 * A VM from its file to a host that is as before: takes the host's devices, runs QEMU, runs it again where the file
 * asks for that, and gives everything back, whatever happens. It is a `ControlledVm` by its shape.
 */
export class Supervisor extends Controlled {
  readonly #options: SupervisorOptions;
  readonly #hooks: HookRunner;
  readonly #devices: HostDevices;
  readonly #plan: RestartPlan;
  /** Aborted by the first `stop`: no start and no restart follows. */
  readonly #stopped = new AbortController();
  /** Aborted by the second, for hooks that hold up the stop. */
  readonly #hurried = new AbortController();
  #held: HeldDevices | undefined;
  #runSinceMs = 0;

  constructor(config: VmConfig, options: SupervisorOptions = {}) {
    super(config);
    this.#options = options;
    this.#devices = options.hostDevices ?? hostDevices(config, options);
    this.#plan = new RestartPlan(config.restart);
    this.#hooks = new HookRunner(config.hooks, () => this.#environment(), {
      onRun: (run) => this.emit('hook', run),
      onLine: (line) => this.emit('hook-output', line),
      onProblem: (message) => this.emit('note', message),
    });
  }

  /**
   * Runs the VM to its end, restarts included. Once only. Throws what kept it from running; from then on, however it
   * ends, is a report. Either way the host is as before, or the report and the notes say what is not.
   */
  async run(): Promise<SupervisorReport> {
    if (this.state !== 'new') throw new GpuvmError('GPUVM_USAGE', 'a Supervisor runs once');
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
      if (!(await this.#wait(delayMs))) {
        if (last.end) last = { end: stoppedWhileWaiting(last.end) };
        break;
      }
      this.restarts++;
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
    const undone = await this.#restore();
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
    await this.#held?.handOver?.();
    return { fds, state: own };
  }

  #withOwn(state: unknown): HandOverState {
    const { journal } = this.#held ?? {};
    const supervisor = {
      restarts: this.restarts,
      devices: [...this.deviceNames],
      ...(journal && { journal }),
    };
    return { ...(state as HandOverState), supervisor };
  }

  async #takeOver({ state }: HandOver): Promise<void> {
    const { supervisor } = readHandOverState(state, this.name);
    this.restarts = supervisor?.restarts ?? 0;
    this.deviceNames = supervisor?.devices ?? [];
    const { journal } = supervisor ?? {};
    if (journal !== undefined) this.#held = await this.#devices.adopt?.(journal, this.deviceNames);
    // Whatever follows a run that was taken over, the devices are there already.
    this.#held ??= nothingHeld;
  }

  async #runOnce(takeOver?: HandOver): Promise<RunResult> {
    this.#runSinceMs = Date.now();
    let result: RunResult;
    try {
      if (takeOver) await this.#takeOver(takeOver);
      else await this.#hooks.run('preStart', this.#stopped.signal);
      this.#throwIfStopped();
      if (this.#held === undefined) await this.#take();
      this.#throwIfStopped();
      this.current = this.#makeVm(takeOver);
      result = { end: await this.current.run() };
      // The kernel is not done with a killed process's devices when the process is gone.
      if (result.end.qemu.signal === 'SIGKILL') await delay(graceMs(this.config));
      await this.#held?.closed?.();
    } catch (error) {
      result = { error };
    }
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

  async #take(): Promise<void> {
    this.machine.take('check');
    for (const note of await this.#devices.check()) this.emit('note', note);
    this.machine.take('bind');
    this.#held = await this.#devices.take();
    this.deviceNames = this.#held.names;
    if (this.deviceNames.length > 0) this.emit('devices', this.deviceNames);
  }

  async #restore(): Promise<HostUndone | undefined> {
    const held = this.#held;
    if (held === undefined || held.names.length === 0) return undefined;
    this.#held = undefined;
    this.deviceNames = [];
    const undone = await held.restore();
    this.emit('undone', undone);
    for (const problem of undone.failed) this.emit('note', `not put back: ${problem}`);
    return undone;
  }

  #makeVm(takeOver: HandOver | undefined): VirtualMachine {
    const { record, startBridge, openBridge } = this.#options;
    const { cpuPinning } = this.config;
    const vm = new VirtualMachine(this.config, {
      record,
      startBridge,
      openBridge,
      ...(this.#options.handOver ? { survives: true } : { diesWithUs: true }),
      ...(takeOver && { takeOver }),
      ledgerFile: join(runtimeFolder(), 'ledgers', this.name, 'ledger'),
      resetEnds: this.config.onGuestReset === 'restart',
      beforeGuest: async (qmp, { pid }) => {
        if (cpuPinning) await (await import('./pinning.js')).pinCpus(cpuPinning, qmp, pid);
        await this.#options.beforeGuest?.();
      },
    });
    vm.on('qemu', ({ console, pid }) => {
      this.currentSinceMs = performance.now();
      void this.#held?.opened?.(pid).catch((error: Error) => this.emit('note', error.message));
      this.console.attach(console);
    });
    const forwarded = [
      'bridge',
      'tree',
      'qemu',
      'stderr',
      'rung',
      'note',
      'asked',
      'event',
      'paused',
      'guest-reset',
      'bridge-ended',
    ] as const;
    // biome-ignore lint/suspicious/noExplicitAny: the events' arguments are handed on as they are
    for (const name of forwarded) vm.on(name, (...values: any[]) => this.emit(name, ...(values as never)));
    vm.on('state', (state) => {
      const step = stepOf[state];
      if (step !== undefined) this.machine.offer(step);
      if (state === 'running' && !takeOver) void this.#hooks.run('postStart', this.#stopped.signal);
    });
    vm.on('paused', (isPaused) => this.machine.offer(isPaused ? 'pause' : 'resume'));
    return vm;
  }

  /** Writes down how a run failed; that it cannot be written is no reason to fail itself. */
  async #report({ end, error }: RunResult, undone?: HostUndone): Promise<StoredReport | undefined> {
    if (end ? !isFailure(end.ending) : !mayTryAgain(error, this.restarts > 0)) return undefined;
    try {
      const { crashReport, storeReport } = await import('./crash-report/index.js');
      const report = crashReport({
        vm: this.name,
        file: this.config.file,
        startedMs: this.#runSinceMs,
        restarts: this.restarts,
        end,
        error,
        timeline: this.history.milestonesSince(this.#runSinceMs),
        console: this.console.recent(),
        undone,
      });
      const stored = await storeReport(report, stateFoldersToTry(this.#options.stateDir));
      this.emit('crash-report', stored);
      return stored;
    } catch (problem) {
      this.emit('note', problem instanceof Error ? problem.message : String(problem));
      return undefined;
    }
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

  /** False where it was stopped meanwhile. */
  async #wait(ms: number): Promise<boolean> {
    const { signal } = this.#stopped;
    if (!signal.aborted) {
      await new Promise<void>((resolve) => {
        const timer = setTimeout(done, ms);
        function done() {
          clearTimeout(timer);
          signal.removeEventListener('abort', done);
          resolve();
        }
        signal.addEventListener('abort', done);
      });
    }
    return !signal.aborted;
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

/** Whether the run ended because the guest was reset, by itself, by its watchdog, or from outside. */
function wasReset({ ending, shutdown }: EndReport): boolean {
  const reason = shutdown?.reason;
  return ending === 'guest-reset' || (ending === 'watchdog' && reason === 'guest-reset');
}
