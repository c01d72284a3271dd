import type { EventEmitter } from 'node:events';
import type { VmConfig } from '../config/index.js';
import type { QemuProcess } from '../qemu/index.js';
import { stuck } from './failures.js';
import type { GuestAgent } from './guest-agent.js';
import type { Monitor } from './monitor.js';
import type { Evidence } from './outcome.js';
import { PowerDown } from './power-down.js';
import { type Rung, StopLadder } from './stop-ladder.js';
import type { VmEvents } from './vm-events.js';
import { defer } from './waiting.js';

/** What the rungs of the ladder need. */
export interface StoppingParts {
  readonly config: VmConfig;
  readonly monitor: Monitor;
  readonly tell: EventEmitter<VmEvents>;
  /** The first rung is about to be taken. */
  onBegin(): void;
}

/** How one run of QEMU is ended from here: why, by which rung, and whether that worked. */
export class Stopping {
  readonly #parts: StoppingParts;
  readonly #outlived = defer<never>();
  /** Whether the guest was let go: one that still stands at its first instruction cannot power down. */
  guestRuns = false;
  #ladder: StopLadder | undefined;
  #fault: Evidence['fault'];

  constructor(parts: StoppingParts) {
    this.#parts = parts;
  }

  /** Whether it was told to end, by whomever. */
  get isBegun(): boolean {
    return this.#ladder !== undefined;
  }

  /** The rung that was taken last. */
  get rung(): Rung | undefined {
    return this.#ladder?.rung;
  }

  /** What it is ended for, where nobody asked for it. The first reason stays. */
  get fault(): Evidence['fault'] {
    return this.#fault;
  }

  set fault(fault: NonNullable<Evidence['fault']>) {
    this.#fault ??= fault;
  }

  /** Rejects with GPUVM_QEMU_EXIT where QEMU outlives all rungs; settles never otherwise. */
  get outlived(): Promise<never> {
    return this.#outlived.promise;
  }

  /** Begins with the first rung; called again, it goes on to the next one at once. */
  next(qemu: QemuProcess, agent: GuestAgent | undefined): void {
    if (this.#ladder) this.#ladder.next();
    else void this.#descend(qemu, agent);
  }

  async #descend(qemu: QemuProcess, agent: GuestAgent | undefined): Promise<void> {
    const { config, monitor, tell, onBegin } = this.#parts;
    const qmp = async () => monitor.qmp ?? Promise.reject(new Error('no monitor'));
    const powerDown = new PowerDown({
      agent: monitor.qmp && agent,
      press: async () => (await qmp()).execute('system_powerdown'),
      onAsked: (by) => tell.emit('asked', by),
      patienceMs: config.stop.powerdown / 2,
      gone: qemu.exited,
      isStillDue: () => this.rung === 'powerdown' && qemu.isRunning,
    });
    const actions = {
      powerdown: async () => {
        if (!this.guestRuns) throw new Error('the guest does not run');
        await powerDown.ask();
      },
      quit: async () => (await qmp()).execute('quit'),
      terminate: () => qemu.signal('SIGTERM'),
      kill: () => qemu.signal('SIGKILL'),
    };
    this.#ladder = new StopLadder(config.stop, actions, qemu.exited, (step) => tell.emit('rung', step));
    onBegin();
    if (!(await this.#ladder.descend())) this.#outlived.reject(stuck(qemu.pid));
  }
}
