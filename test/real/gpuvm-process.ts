import { type ChildProcess, spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../../', import.meta.url));

/** `gpuvm` as a process of its own, from source. */
export class GpuvmProcess {
  readonly child: ChildProcess;
  /** Resolves with the exit status once all output is there. */
  readonly ended: Promise<number | null>;
  stdout = '';
  stderr = '';
  #changed = () => {};

  constructor(...args: string[]) {
    this.child = spawn(process.execPath, ['--import', 'tsx', 'src/cli/main.ts', ...args], {
      cwd: root,
      stdio: 'pipe',
    });
    for (const name of ['stdout', 'stderr'] as const) {
      this.child[name]!.on('data', (chunk) => {
        this[name] += chunk;
        this.#changed();
      });
    }
    this.ended = new Promise((resolve) => {
      this.child.once('close', (code) => {
        resolve(code);
        this.#changed();
      });
    });
  }

  /** Waits until a stream holds the text; throws with all that was said where that takes too long. */
  async waitFor(name: 'stdout' | 'stderr', text: string, deadlineMs = 30_000): Promise<void> {
    const timer = setTimeout(() => this.#changed(), deadlineMs);
    const start = performance.now();
    while (!this[name].includes(text)) {
      if (performance.now() - start >= deadlineMs || this.child.exitCode !== null) {
        clearTimeout(timer);
        throw new Error(`no ${JSON.stringify(text)} on ${name}:\n${this.stdout}\n---\n${this.stderr}`);
      }
      await new Promise<void>((resolve) => {
        this.#changed = resolve;
      });
    }
    clearTimeout(timer);
  }
}
