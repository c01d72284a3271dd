import type { Notice } from '../../../bpmp/capture/index.js';
import type { Output } from '../../output.js';
import { printable } from '../../printable.js';

/** A capture that is nothing but damage is not worth more lines than these. */
const MOST = 20;

/** What is wrong with a capture, a line each, and those beyond a bound as a count. */
export class Notices {
  readonly #stderr: Output;
  readonly #name: string;
  readonly #signal: AbortSignal | undefined;
  #count = 0;

  constructor(stderr: Output, name: string, signal?: AbortSignal) {
    this.#stderr = stderr;
    this.#name = printable(name);
    this.#signal = signal;
  }

  readonly onNotice = ({ message }: Notice): void => {
    // Whoever stops reading in the middle of a block need not be told that it is cut.
    if (this.#signal?.aborted) return;
    if (++this.#count <= MOST) this.#stderr.line(`gpuvm: ${this.#name}: ${printable(message)}`);
  };

  end(): void {
    const more = this.#count - MOST;
    if (more > 0) this.#stderr.line(`gpuvm: ${this.#name}: … and ${more} more of this kind, not shown`);
    this.#count = 0;
  }
}
