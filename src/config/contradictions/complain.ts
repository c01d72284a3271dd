import type { KeyPath, Mistake, YamlDocument } from '../document.js';
import { formatPath } from '../mistakes.js';
import type { VmFile } from '../schema/index.js';

/** What does not go together in a VM file whose values are right one by one. */
export class Complaints {
  readonly mistakes: Mistake[] = [];
  readonly config: VmFile;
  readonly #document: YamlDocument;

  constructor(config: VmFile, document: YamlDocument) {
    this.config = config;
    this.#document = document;
  }

  /** One at a value; the sentence begins with its path. */
  at(path: KeyPath, message: string): void {
    this.mistakes.push({ message: `${formatPath(path)} ${message}`, place: this.#document.placeOf(path) });
  }

  /** One at a key. */
  atKey(path: KeyPath, message: string): void {
    this.mistakes.push({ message: `${formatPath(path)} ${message}`, place: this.#document.placeOfKey(path) });
  }

  /** A key that is not there, but is needed because of what stands at `because`. */
  missing(key: string, why: string, because: KeyPath): void {
    this.mistakes.push({ message: `${key} is missing: ${why}`, place: this.#document.placeOf(because) });
  }

  /** One for each value that was there before, where a value that is undefined counts for nothing. */
  unique<T>(values: readonly T[], same: (value: T) => string | undefined, path: (index: number) => KeyPath) {
    const seen = new Map<string, number>();
    for (const [index, value] of values.entries()) {
      const key = same(value);
      if (key === undefined) continue;
      const before = seen.get(key);
      if (before === undefined) seen.set(key, index);
      else this.at(path(index), `is ${key}, as ${formatPath(path(before))} is`);
    }
  }
}

/** Whether it is QEMU's `virt` of Arm or RISC-V, by its name alone. */
export function isVirt(machine: string): boolean {
  return /^(type=)?virt\b/.test(machine);
}

/** Machines that have nothing that a device of the host's could be put on as it is. */
export function isPc(machine: string): boolean {
  return /^(type=)?(q35|pc|isapc|microvm)\b/.test(machine);
}

/** Whether the bridge takes the PCI host out of the guest's device tree. */
export function hidesPci({ bridge }: VmFile): boolean {
  return bridge.kind === 'vfio-user' || bridge.kind === 'ivc';
}
