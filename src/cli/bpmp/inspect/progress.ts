import type { Context } from '../../context.js';

const QUIET_MS = 300;

/** How far a slow firmware has come, on one line of a terminal that goes when it is done; elsewhere nothing. */
export class Progress {
  readonly #stderr: Context['stderr'];
  readonly #what: string;
  readonly #startedMs = performance.now();
  #isShown = false;

  constructor({ stderr }: Context, what: string) {
    this.#stderr = stderr;
    this.#what = what;
  }

  readonly show = (done: number, all: number): void => {
    if (this.#stderr.stream.isTTY !== true || performance.now() - this.#startedMs < QUIET_MS) return;
    this.#stderr.write(`\r${this.#what}: ${done} of ${all}`);
    this.#isShown = true;
  };

  end(): void {
    if (this.#isShown) this.#stderr.write('\r\x1b[K');
  }
}
