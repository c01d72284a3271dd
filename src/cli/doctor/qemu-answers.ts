import type { VmConfig } from '../../config/index.js';
import {
  askAccelerators,
  askDevice,
  askMachines,
  askRegions,
  askVersion,
  type MachineRegion,
  type QemuVersion,
} from '../../qemu/index.js';

/** A QEMU that prints a help text takes a tenth of a second, a cold one a few. */
const DEADLINE_MS = 10_000;

/** What QEMUs say, each question asked once however many checks want to know. */
export class QemuAnswers {
  readonly #asked = new Map<string, Promise<unknown>>();

  version(binary: string): Promise<QemuVersion> {
    return this.#once(['version', binary], () => askVersion(binary, DEADLINE_MS));
  }

  machines(binary: string): Promise<readonly string[]> {
    return this.#once(['machines', binary], () => askMachines(binary, DEADLINE_MS));
  }

  accelerators(binary: string): Promise<readonly string[]> {
    return this.#once(['accelerators', binary], () => askAccelerators(binary, DEADLINE_MS));
  }

  /** The device's options; undefined where this QEMU has no such device. */
  device(binary: string, device: string): Promise<readonly string[] | undefined> {
    return this.#once(['device', binary, device], () => askDevice(binary, device, DEADLINE_MS));
  }

  regions({ qemu, machine }: VmConfig): Promise<readonly MachineRegion[]> {
    return this.#once(['regions', qemu.binary, machine], () => askRegions({ qemu, machine }, DEADLINE_MS));
  }

  #once<T>(question: readonly string[], ask: () => Promise<T>): Promise<T> {
    const key = question.join('\0');
    let answer = this.#asked.get(key) as Promise<T> | undefined;
    if (!answer) {
      answer = ask();
      this.#asked.set(key, answer);
    }
    return answer;
  }
}
