import type { Supervisor } from '../../vm/index.js';
import { Allowance } from './allowance.js';

const PER_SECOND = 50;
/** What a QEMU may say before it runs, without being shown at once. */
const MAX_HELD = 100;

/**
 * Shows QEMU's own lines; a guest can cause some of them, so not without limit. What it says while it starts is held
 * until it runs: where it does not, `startFailed` shows what the error itself does not repeat.
 */
export class QemuLines {
  readonly #note: (text: string) => void;
  readonly #allowance = new Allowance(PER_SECOND);
  #held: string[] | undefined = [];

  constructor(vm: Supervisor, note: (text: string) => void) {
    this.#note = note;
    vm.on('stderr', (line) => this.#line(line));
    vm.on('state', (state) => {
      if (state === 'running' || state === 'stopping') this.#release(() => true);
    });
  }

  startFailed(error: unknown): void {
    const message = error instanceof Error ? error.message : '';
    this.#release((line) => !message.includes(line));
  }

  #line(line: string): void {
    if (this.#held && this.#held.length < MAX_HELD) {
      this.#held.push(line);
      return;
    }
    if (!this.#allowance.take()) return;
    const lost = this.#allowance.countSuppressed();
    this.#note(lost > 0 ? `${line} (${lost} lines before it not shown)` : line);
  }

  #release(isShown: (line: string) => boolean): void {
    const held = this.#held ?? [];
    this.#held = undefined;
    for (const line of held.filter(isShown)) this.#note(line);
  }
}
