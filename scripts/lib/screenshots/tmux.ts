import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';

const execute = promisify(execFile);
const POLL_MS = 50;

/** A tmux server of our own with one window of a given size: nobody's sessions and settings are touched. */
export class Tmux {
  readonly #folder: string;

  private constructor(folder: string) {
    this.#folder = folder;
  }

  /** Runs a shell's command line in a window. */
  static async start(
    command: string,
    { columns, rows, env = {} }: { columns: number; rows: number; env?: Readonly<Record<string, string>> },
  ): Promise<Tmux> {
    const tmux = new Tmux(await mkdtemp(join(tmpdir(), 'gpuvm-tmux-')));
    const variables = Object.entries(env).flatMap(([name, value]) => ['-e', `${name}=${value}`]);
    // No status line: the window is as large as the terminal is said to be. What has ended stays to be looked at.
    const settings = ['set', '-g', 'status', 'off', ';', 'set', '-g', 'remain-on-exit', 'on', ';'];
    const size = ['-x', String(columns), '-y', String(rows)];
    await tmux.#run(...settings, 'new-session', '-d', ...size, ...variables, command);
    return tmux;
  }

  async keys(...keys: readonly string[]): Promise<void> {
    await this.#run('send-keys', ...keys);
  }

  /** Types as it stands, without names of keys. */
  async type(text: string): Promise<void> {
    await this.#run('send-keys', '-l', text);
  }

  async resize(columns: number, rows: number): Promise<void> {
    await this.#run('resize-window', '-x', String(columns), '-y', String(rows));
  }

  /** What is seen, as text. */
  async text(): Promise<string> {
    return this.#run('capture-pane', '-p');
  }

  /** What is seen, with its colours as SGR sequences. */
  async coloured(): Promise<string> {
    return this.#run('capture-pane', '-e', '-N', '-p');
  }

  /** A format of tmux's, such as `#{pane_pid}`. */
  async tell(format: string): Promise<string> {
    return (await this.#run('display-message', '-p', format)).trimEnd();
  }

  /** What is seen once it is as wanted; throws with what was seen last where that takes too long. */
  async until(isThere: string | RegExp | ((text: string) => boolean), deadlineMs = 30_000): Promise<string> {
    const start = performance.now();
    for (;;) {
      const text = await this.text();
      const found =
        typeof isThere === 'string'
          ? text.includes(isThere)
          : typeof isThere === 'function'
            ? isThere(text)
            : isThere.test(text);
      if (found) return text;
      if (performance.now() - start > deadlineMs)
        throw new Error(`never seen: ${isThere}; but this:\n${text}`);
      await sleep(POLL_MS);
    }
  }

  async stop(): Promise<void> {
    await this.#run('kill-server').catch(() => undefined);
    await rm(this.#folder, { recursive: true, force: true });
  }

  async #run(...args: readonly string[]): Promise<string> {
    const env = { ...process.env, LC_ALL: 'C.UTF-8' };
    // Its own configuration is nobody's: -f. A terminal inside one must not think that it is inside another.
    const { stdout } = await execute(
      'tmux',
      ['-u', '-f', '/dev/null', '-S', join(this.#folder, 'socket'), ...args],
      {
        env: { ...env, TMUX: '' },
        timeout: 30_000,
      },
    );
    return stdout;
  }
}
