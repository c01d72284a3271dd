import { GpuvmError } from '../errors.js';

/** What can be asked of a VM from outside. */
export type Operation = 'stop' | 'pause' | 'resume' | 'reset' | 'qmp' | 'type' | 'detach';

/** What moves a VM from one state to another. */
export type Step =
  | 'start'
  | 'check'
  | 'bind'
  | 'bridge'
  | 'qemu'
  | 'monitor'
  | 'run'
  | 'pause'
  | 'resume'
  | 'stop'
  | 'hand-over'
  | 'gone'
  | 'wait'
  | 'again'
  | 'restore'
  | 'end';

interface StateRow {
  /** For people: what goes on, or what the VM waits for. */
  readonly means: string;
  readonly next: Readonly<Partial<Record<Step, string>>>;
  readonly allows: readonly Operation[];
}

/**
 * A supervised VM's whole life. `releasing` ends one run of QEMU; from there it goes on to the next run or to the end. One
 * that is taken over from another supervisor goes from `preparing` to `bridge` at once.
 * What a state does not list cannot happen in it.
 */
export const stateTable = {
  new: { means: 'it was not started', next: { start: 'preparing', end: 'ended' }, allows: ['stop'] },
  preparing: {
    means: 'the hooks before the start run',
    next: { check: 'checking', bridge: 'bridge', gone: 'releasing' },
    allows: ['stop'],
  },
  checking: {
    means: 'the host and the VM file are checked, nothing is changed',
    next: { bind: 'binding', gone: 'releasing' },
    allows: ['stop'],
  },
  binding: {
    means: "the host's devices are taken for the guest",
    next: { bridge: 'bridge', gone: 'releasing' },
    allows: ['stop'],
  },
  bridge: {
    means: 'the bridge comes up',
    next: { qemu: 'qemu', stop: 'stopping', gone: 'releasing' },
    allows: ['stop'],
  },
  qemu: {
    means: 'QEMU is started',
    next: { monitor: 'monitor', stop: 'stopping', gone: 'releasing' },
    allows: ['stop', 'type'],
  },
  monitor: {
    means: "QEMU's monitor is waited for",
    next: { run: 'running', stop: 'stopping', gone: 'releasing' },
    allows: ['stop', 'type'],
  },
  running: {
    means: 'the guest runs',
    next: { pause: 'paused', stop: 'stopping', gone: 'releasing', 'hand-over': 'ended' },
    allows: ['stop', 'pause', 'reset', 'qmp', 'type', 'detach'],
  },
  paused: {
    means: "the guest's CPUs stand still",
    next: { resume: 'running', stop: 'stopping', gone: 'releasing', 'hand-over': 'ended' },
    allows: ['stop', 'resume', 'reset', 'qmp', 'type', 'detach'],
  },
  stopping: {
    means: 'the stop ladder is taken',
    next: { gone: 'releasing' },
    allows: ['stop', 'qmp', 'type'],
  },
  releasing: {
    means: 'QEMU is gone, and what the guest held was given back',
    next: { wait: 'waiting', restore: 'restoring' },
    allows: ['stop'],
  },
  waiting: {
    means: 'it is about to be started again',
    next: { again: 'preparing', restore: 'restoring' },
    allows: ['stop'],
  },
  restoring: { means: "the host's devices go back", next: { end: 'ended' }, allows: [] },
  ended: { means: 'nothing of it is left', next: {}, allows: [] },
} as const satisfies Record<string, StateRow>;

export type SupervisorState = keyof typeof stateTable;

/** Where one VM is. Steps that the table does not have are defects and throw; operations are refused in words. */
export class StateMachine {
  #state: SupervisorState = 'new';
  #since = new Date();
  readonly #onChange: (state: SupervisorState) => void;

  constructor(onChange: (state: SupervisorState) => void) {
    this.#onChange = onChange;
  }

  get state(): SupervisorState {
    return this.#state;
  }

  get since(): Date {
    return this.#since;
  }

  can(step: Step): boolean {
    return this.#next(step) !== undefined;
  }

  /** Throws GPUVM_INTERNAL where the table has no such step from here. */
  take(step: Step): void {
    const next = this.#next(step);
    if (next === undefined) {
      throw new GpuvmError('GPUVM_INTERNAL', `a VM that is ${this.#state} cannot take the step "${step}"`);
    }
    this.#state = next;
    this.#since = new Date();
    this.#onChange(next);
  }

  /** For what comes from outside and may come at any time: taken where the table has it. */
  offer(step: Step): void {
    if (this.can(step)) this.take(step);
  }

  allows(operation: Operation): boolean {
    return (stateTable[this.#state].allows as readonly Operation[]).includes(operation);
  }

  /** GPUVM_VM_STATE, with what the VM is doing and when the operation would be possible. */
  refusal(operation: Operation, vm: string): GpuvmError {
    const where = Object.entries(stateTable)
      .filter(([, { allows }]) => (allows as readonly Operation[]).includes(operation))
      .map(([state]) => state);
    const { means } = stateTable[this.#state];
    return new GpuvmError(
      'GPUVM_VM_STATE',
      `${vm} is ${this.#state} (${means}): ${operation} is for a VM that is ${where.join(' or ')}`,
      { details: { vm, state: this.#state, operation, possibleIn: where } },
    );
  }

  #next(step: Step): SupervisorState | undefined {
    const { next }: StateRow = stateTable[this.#state];
    return next[step] as SupervisorState | undefined;
  }
}
