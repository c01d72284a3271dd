import type { HandOverState } from './hand-over/index.js';
import { type HeldDevices, type HostDevices, type HostUndone, nothingHeld } from './host-devices.js';

export interface DevicesListener {
  /** Looked at first, then taken. */
  onStep(step: 'check' | 'bind'): void;
  onTaken(names: readonly string[]): void;
  onUndone(undone: HostUndone): void;
  onNote(line: string): void;
}

/** The host's devices in one supervisor's hands: taken once, kept across runs of QEMU, given back once. */
export class TakenDevices {
  readonly #host: HostDevices;
  readonly #listener: DevicesListener;
  #held: HeldDevices | undefined;
  #names: readonly string[] = [];

  constructor(host: HostDevices, listener: DevicesListener) {
    this.#host = host;
    this.#listener = listener;
  }

  /** Those that the guest has, as the VM file names them. */
  get names(): readonly string[] {
    return this.#names;
  }

  /** For another supervisor's `adopt`. */
  get state(): Pick<NonNullable<HandOverState['supervisor']>, 'devices' | 'journal'> {
    const { journal } = this.#held ?? {};
    return { devices: [...this.#names], ...(journal && { journal }) };
  }

  /** All of them or none, where that was not done before. Throws what stands in the way. */
  async take(): Promise<void> {
    if (this.#held !== undefined) return;
    const { onStep, onTaken, onNote } = this.#listener;
    onStep('check');
    for (const note of (await this.#host.recover?.()) ?? []) onNote(note);
    for (const note of await this.#host.check()) onNote(note);
    onStep('bind');
    this.#held = await this.#host.take();
    this.#names = this.#held.names;
    if (this.#names.length > 0) onTaken(this.#names);
  }

  /** Whatever follows a VM that was taken over, its devices are there already. */
  async adopt({ devices = [], journal }: Partial<TakenDevices['state']> = {}): Promise<void> {
    this.#names = devices;
    this.#held =
      (journal === undefined ? undefined : await this.#host.adopt?.(journal, devices)) ?? nothingHeld;
  }

  /** A QEMU has them open. */
  opened(pid: number): void {
    this.#held?.opened?.(pid).catch((error: Error) => this.#listener.onNote(error.message));
  }

  /** It is gone. */
  async closed(): Promise<void> {
    await this.#held?.closed?.();
  }

  /** They stay the guest's, for another supervisor. */
  async handOver(): Promise<void> {
    await this.#held?.handOver?.();
  }

  /** Undefined where there was nothing to give back. */
  async restore(): Promise<HostUndone | undefined> {
    const held = this.#held;
    if (held === undefined || held.names.length === 0) return undefined;
    this.#held = undefined;
    this.#names = [];
    const undone = await held.restore();
    this.#listener.onUndone(undone);
    for (const problem of undone.failed) this.#listener.onNote(`not put back: ${problem}`);
    return undone;
  }
}
