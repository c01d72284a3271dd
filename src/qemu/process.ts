import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import type { Readable, Writable } from 'node:stream';
import { cannotStart } from './ask.js';
import { StderrTail } from './stderr-tail.js';

export interface QemuCommand {
  readonly command: string;
  readonly args: readonly string[];
  /** Descriptors that the child gets as 3, 4, … */
  readonly extraFds?: readonly number[];
}

/** How a process ended: one of the two is set. */
export interface ProcessExit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** A running QEMU: its console, the last of its stderr, its end. */
export class QemuProcess {
  readonly pid: number;
  /** What the guest writes to its serial console, and what it reads from it. */
  readonly console: { readonly output: Readable; readonly input: Writable };
  readonly stderr: StderrTail;
  /** Settles when the process is gone and its stderr is read to the end; never rejects. */
  readonly exited: Promise<ProcessExit>;
  readonly #child: ChildProcess;

  private constructor(child: ChildProcess, onStderrLine: (line: string) => void) {
    this.#child = child;
    this.pid = child.pid!;
    this.console = { output: child.stdout!, input: child.stdin! };
    // QEMU may be gone when we write; its exit is what tells, not this.
    child.stdin!.on('error', () => undefined);
    this.stderr = new StderrTail(child.stderr!, onStderrLine);
    this.exited = this.#waitForExit(child);
    // In a process group of its own, QEMU would outlive a program that ends by an error.
    const kill = () => this.signal('SIGKILL');
    process.once('exit', kill);
    void this.exited.then(() => process.off('exit', kill));
  }

  /** Throws GPUVM_QEMU_START where there is no such program, or the system refuses to run it. */
  static async start(
    { command, args, extraFds = [] }: QemuCommand,
    onStderrLine: (line: string) => void = () => {},
  ): Promise<QemuProcess> {
    const child = spawn(command, args, {
      stdio: ['pipe', 'pipe', 'pipe', ...extraFds],
      // A process group of its own: a Ctrl-C in the terminal is for us, and the stop ladder is what QEMU gets.
      detached: true,
    });
    try {
      await once(child, 'spawn');
    } catch (cause) {
      throw cannotStart(command, cause as NodeJS.ErrnoException);
    }
    return new QemuProcess(child, onStderrLine);
  }

  get isRunning(): boolean {
    return this.#child.exitCode === null && this.#child.signalCode === null;
  }

  /** Until Node has reaped the child its pid cannot be anybody else's, so the signal cannot hit a stranger. */
  signal(signal: NodeJS.Signals): void {
    if (this.isRunning) this.#child.kill(signal);
  }

  async #waitForExit(child: ChildProcess): Promise<ProcessExit> {
    const [code, signal] = await once(child, 'exit');
    // A grandchild may hold the pipe open for ever.
    await Promise.race([this.stderr.ended, new Promise((resolve) => setTimeout(resolve, 200).unref())]);
    return { code, signal };
  }
}
