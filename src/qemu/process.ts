import { spawn } from 'node:child_process';
import { once } from 'node:events';
import type { Readable, Writable } from 'node:stream';
import { addon, Descriptor } from '../native/index.js';
import { cannotStart } from './ask.js';
import { type Life, lifeOfChild, lifeOfStranger, type ProcessExit } from './life.js';
import { closeFds, makePipes, type StreamFds, type Streams, streamsOf, streamsOn } from './pipes.js';
import { StderrTail } from './stderr-tail.js';

export type { ProcessExit } from './life.js';

export interface QemuCommand {
  readonly command: string;
  readonly args: readonly string[];
  /** Descriptors that the child gets as 3, 4, … */
  readonly extraFds?: readonly number[];
}

export interface QemuStart {
  /** It goes on when this process ends, and `fds` is what another one takes it over with. */
  readonly survives?: boolean;
}

/** What a QEMU is taken over with: its pidfd, and our ends of its standard streams. */
export interface QemuFds extends StreamFds {
  readonly process: number;
}

/** A running QEMU: its console, the last of its stderr, its end. */
export class QemuProcess {
  readonly pid: number;
  /** What the guest writes to its serial console, and what it reads from it. */
  readonly console: { readonly output: Readable; readonly input: Writable };
  readonly stderr: StderrTail;
  /** Settles when the process is gone and its stderr is read to the end; never rejects. */
  readonly exited: Promise<ProcessExit>;
  readonly #life: Life;
  readonly #streams: Streams;
  readonly #fds: QemuFds | undefined;
  readonly #pidfd: Descriptor | undefined;

  private constructor(
    pid: number,
    life: Life,
    streams: Streams,
    fds: QemuFds | undefined,
    onStderrLine: (line: string) => void,
  ) {
    this.pid = pid;
    this.#life = life;
    this.#streams = streams;
    this.#fds = fds;
    this.console = { output: streams.output, input: streams.input };
    // QEMU may be gone when we write; its exit is what tells, not this.
    streams.input.on('error', () => undefined);
    this.stderr = new StderrTail(streams.errors, onStderrLine);
    this.exited = this.#waitForExit();
    if (fds !== undefined) {
      const pidfd = new Descriptor(fds.process);
      this.#pidfd = pidfd;
      void life.gone.then(() => pidfd.close());
      return;
    }
    // In a process group of its own, QEMU would outlive a program that ends by an error.
    const kill = () => this.signal('SIGKILL');
    process.once('exit', kill);
    void this.exited.then(() => process.off('exit', kill));
  }

  /** Throws GPUVM_QEMU_START where there is no such program, or the system refuses to run it. */
  static async start(
    { command, args, extraFds = [] }: QemuCommand,
    onStderrLine: (line: string) => void = () => {},
    { survives = false }: QemuStart = {},
  ): Promise<QemuProcess> {
    const pipes = survives ? makePipes() : undefined;
    const { theirs } = pipes ?? {};
    const standard = theirs
      ? [theirs.input, theirs.output, theirs.errors]
      : (['pipe', 'pipe', 'pipe'] as const);
    const child = spawn(command, args, {
      stdio: [...standard, ...extraFds],
      // A process group of its own: a Ctrl-C in the terminal is for us, and the stop ladder is what QEMU gets.
      detached: true,
    });
    try {
      await once(child, 'spawn');
    } catch (cause) {
      if (pipes) closeFds(pipes.ours);
      throw cannotStart(command, cause as NodeJS.ErrnoException);
    } finally {
      if (pipes) closeFds(pipes.theirs);
    }
    const life = lifeOfChild(child);
    if (pipes === undefined)
      return new QemuProcess(child.pid!, life, streamsOf(child), undefined, onStderrLine);
    const fds = { ...pipes.ours, process: addon().pidfdOpen(child.pid!) };
    return new QemuProcess(child.pid!, life, streamsOn(pipes.ours), fds, onStderrLine);
  }

  /** Goes on with a QEMU that another process has started; the descriptors are this one's from here on. */
  static adopt(pid: number, fds: QemuFds, onStderrLine: (line: string) => void = () => {}): QemuProcess {
    return new QemuProcess(pid, lifeOfStranger(fds.process), streamsOn(fds), fds, onStderrLine);
  }

  get isRunning(): boolean {
    return this.#life.isRunning;
  }

  /** What another process takes it over with; still this one's. Undefined where it was not to survive, or is gone. */
  get fds(): QemuFds | undefined {
    return this.isRunning ? this.#fds : undefined;
  }

  /** Lets go of QEMU, which runs on: copies of the descriptors, which are the caller's. */
  detach(): QemuFds | undefined {
    const { fds } = this;
    if (fds === undefined) return undefined;
    const { input, output, errors } = this.#streams;
    const copies = {
      process: addon().duplicateFd(fds.process),
      input: copyOf(fds.input, input, true),
      output: copyOf(fds.output, output),
      errors: copyOf(fds.errors, errors),
    };
    this.#life.letGo();
    this.#pidfd?.close();
    for (const stream of [input, output, errors]) stream.destroy();
    return copies;
  }

  signal(signal: NodeJS.Signals): void {
    this.#life.signal(signal);
  }

  async #waitForExit(): Promise<ProcessExit> {
    const exit = await this.#life.gone;
    this.#streams.input.destroy();
    // A grandchild may hold the pipe open for ever.
    await Promise.race([this.stderr.ended, new Promise((resolve) => setTimeout(resolve, 200).unref())]);
    return exit;
  }
}

/** Of a stream that has ended its number may be somebody else's by now: then something that has ended too. */
function copyOf(fd: number, stream: Readable | Writable, isInput = false): number {
  if (!stream.destroyed) return addon().duplicateFd(fd);
  const [reading, writing] = addon().pipe();
  addon().closeFd(isInput ? reading : writing);
  return isInput ? writing : reading;
}
