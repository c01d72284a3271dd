import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface, type Interface } from 'node:readline';
import { GpuvmError } from '../errors.js';
import { identityOf, type ProcessIdentity, whereItWaits } from './identity.js';
import type { SysfsWriter } from './writer.js';

/**
 * The child: takes `[path, value]` as lines, makes one write each, answers `{}` or the error. It is text, so that it
 * starts as fast as Node can, whatever this program was bundled or loaded by. It stays when a service manager ends the
 * whole group, because it is needed to put the host right, and goes when its owner does: its input ends then.
 */
const CHILD = `
const fs = require('node:fs');
for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP']) process.on(signal, () => {});
const chunk = Buffer.alloc(65536);
let rest = '';
for (;;) {
  const size = fs.readSync(0, chunk);
  if (size === 0) break;
  rest += chunk.toString('latin1', 0, size);
  for (let end; (end = rest.indexOf('\\n')) >= 0; rest = rest.slice(end + 1)) {
    const [path, value] = JSON.parse(Buffer.from(rest.slice(0, end), 'latin1').toString());
    let answer = {};
    let fd;
    try {
      fd = fs.openSync(path, fs.constants.O_WRONLY);
      fs.writeSync(fd, value);
    } catch ({ code, errno, syscall }) {
      answer = { code, errno: -errno, syscall };
    }
    if (fd !== undefined) try { fs.closeSync(fd); } catch {}
    fs.writeSync(1, JSON.stringify(answer) + '\\n');
  }
}
process.exit(0);
`;

interface Answer {
  readonly code?: string;
  readonly errno?: number;
  readonly syscall?: string;
}

/** Unbinding a GPU's driver takes seconds; what takes longer than this does not come back. */
const DEADLINE_MS = 30_000;

/** Makes writes from a child process, so that one which the kernel never ends does not hold up this one. */
export class ChildWriter implements SysfsWriter {
  readonly #deadlineMs: number;
  #child: ChildProcess | undefined;
  #lines: Interface | undefined;
  #identity: ProcessIdentity | undefined;
  #isSilent = false;

  constructor({ deadlineMs = DEADLINE_MS }: { readonly deadlineMs?: number } = {}) {
    this.#deadlineMs = deadlineMs;
  }

  async prepare(): Promise<ProcessIdentity | undefined> {
    const { exitCode, signalCode } = this.#child ?? {};
    if (exitCode === null && signalCode === null && !this.#isSilent) return this.#identity;
    const child = spawn(process.execPath, ['--no-warnings', '-e', CHILD], {
      stdio: ['pipe', 'pipe', 'ignore'],
      // A session of its own: a Ctrl-C in the terminal is not for it. An empty environment: no loader of ours either.
      detached: true,
      env: {},
    });
    child.stdin!.on('error', () => undefined);
    try {
      await once(child, 'spawn');
    } catch (cause) {
      throw new GpuvmError('GPUVM_BIND', 'cannot start the process that writes to sysfs', { cause });
    }
    this.#child = child;
    this.#isSilent = false;
    const lines = createInterface({ input: child.stdout! });
    // That its output has ended may be known before that it has.
    lines.once('close', () => {
      if (this.#lines === lines) this.#isSilent = true;
    });
    this.#lines = lines;
    this.#identity = identityOf(child.pid!);
    return this.#identity;
  }

  async write(path: string, value: string): Promise<void> {
    await this.prepare();
    const child = this.#child!;
    const answer = await this.#ask(child, `${JSON.stringify([path, value])}\n`);
    const act = `writing ${JSON.stringify(value.trim())} to ${path}`;
    if (answer === 'hung') throw this.#hung(child, act);
    if (answer === 'gone') {
      this.#forget();
      throw new GpuvmError('GPUVM_BIND', `the process that was ${act} has gone`, {
        details: { path, value },
      });
    }
    if (answer.code !== undefined) {
      throw new GpuvmError('GPUVM_BIND', `${act}: ${answer.code}${meaning(answer)}`, {
        details: { path, value, errno: answer.code },
      });
    }
  }

  close(): void {
    this.#child?.stdin?.end();
    this.#child?.unref();
    this.#forget();
  }

  async #ask(child: ChildProcess, line: string): Promise<Answer | 'hung' | 'gone'> {
    const lines = this.#lines!;
    let timer: NodeJS.Timeout | undefined;
    let settle: (answer: Answer | 'hung' | 'gone') => void = () => undefined;
    const answered = new Promise<Answer | 'hung' | 'gone'>((resolve) => {
      settle = resolve;
    });
    const onLine = (text: string) => settle(JSON.parse(text) as Answer);
    const onClose = () => settle('gone');
    lines.once('line', onLine);
    lines.once('close', onClose);
    timer = setTimeout(() => settle('hung'), this.#deadlineMs);
    child.stdin!.write(line);
    try {
      return await answered;
    } finally {
      clearTimeout(timer);
      lines.off('line', onLine);
      lines.off('close', onClose);
    }
  }

  /** The child is left where it is: a signal does not reach it before the kernel lets go of it. The next write has another. */
  #hung(child: ChildProcess, act: string): GpuvmError {
    const pid = child.pid!;
    const wait = whereItWaits(pid);
    child.kill('SIGKILL');
    child.unref();
    (child.stdout as unknown as { unref?: () => void }).unref?.();
    (child.stdin as unknown as { unref?: () => void }).unref?.();
    this.#forget();
    return new GpuvmError(
      'GPUVM_BIND',
      `${act} does not come back: process ${pid} has hung in the kernel for ${this.#deadlineMs / 1000} s${wait ? ` (${wait})` : ''}`,
      { details: { hung: true, pid, ...(wait ? { wait } : {}) } },
    );
  }

  #forget(): void {
    this.#lines?.close();
    this.#child = undefined;
    this.#lines = undefined;
    this.#identity = undefined;
  }
}

const meanings: Readonly<Record<string, string>> = {
  EACCES: 'permission is missing; only root may do this',
  EPERM: 'permission is missing; only root may do this',
  ENOENT: 'the file is not there',
  ENODEV: 'the driver does not take this device; the last lines of dmesg may say why',
  EBUSY: 'the device is busy',
  EINVAL: 'the driver refused it; the last lines of dmesg may say why',
  EROFS: 'this sysfs is mounted read-only, as in a container',
};

function meaning({ code }: Answer): string {
  const text = meanings[code ?? ''];
  return text ? ` (${text})` : '';
}
