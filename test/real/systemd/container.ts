import { type ChildProcess, execFile, spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { cacheFolder } from '../../../src/config/index.js';

const boot = resolve(import.meta.dirname, 'boot.sh');
/** The checkout, and what was fetched: they may lie on mounts of their own, or in /tmp, which are not the root's tree. */
const needed = [resolve(import.meta.dirname, '../../..'), cacheFolder()].filter((folder) =>
  existsSync(folder),
);
const systemd = '/lib/systemd/systemd';
/** Neither /tmp, which a service has for itself, nor a home folder. */
const SHARES = '/srv';
const OWN = `gpuvm-systemd-${process.pid}-`;
let containers = 0;

export interface Answer {
  readonly status: number;
  readonly stdout: string;
  readonly stderr: string;
}

/**
 * A real systemd as the first process of namespaces of its own: processes, mounts, cgroups, host name, IPC, network. Its
 * files are this machine's, with a tmpfs above. Up in less than a second, and gone with all it started when it is stopped
 * or when this process ends.
 */
export class SystemdContainer {
  /** A folder that is the same inside and outside; what a test brings along, or wants to see, goes there. */
  readonly share: string;
  readonly #outside: ChildProcess;
  readonly #work: string;
  readonly #cgroup: string;
  readonly #onExit = () => this.#clear();
  #pid = 0;

  private constructor() {
    sweep();
    this.share = mkdtempSync(join(SHARES, OWN));
    this.#work = mkdtempSync(join(tmpdir(), OWN));
    this.#cgroup = join(hierarchy(), `${OWN}${containers++}`);
    mkdirSync(this.#cgroup);
    process.once('exit', this.#onExit);
    // Enters the cgroup before its namespace is made, so that this cgroup is the namespace's root; and goes when this
    // process does, whatever ends it.
    const enter = `echo $$ >"$1/cgroup.procs" && shift && exec setpriv --pdeathsig KILL "$@"`;
    const namespaces = ['-m', '-p', '-u', '-i', '-C', '-n', '--fork', '--kill-child'];
    const inside = ['unshare', ...namespaces, boot, this.#work, this.share, ...needed];
    this.#outside = spawn('sh', ['-c', enter, 'sh', this.#cgroup, ...inside], { stdio: 'pipe' });
  }

  /** What this machine lacks, or undefined. */
  static missing(): string | undefined {
    if (!existsSync(systemd)) return `${systemd} (Debian's package systemd)`;
    if (process.getuid?.() !== 0) return 'root';
    const probe = spawnSync('unshare', ['-m', '-p', '-u', '-i', '-C', '-n', '--fork', 'true']);
    if (probe.status !== 0) return 'the right to make namespaces';
    return / cgroup2 /.test(readFileSync('/proc/self/mounts', 'utf8')) ? undefined : 'cgroup2';
  }

  static async start(): Promise<SystemdContainer> {
    const container = new SystemdContainer();
    try {
      await container.#wait();
      return container;
    } catch (error) {
      await container.stop();
      throw error;
    }
  }

  /** The pid of its systemd, as this machine counts. */
  get pid(): number {
    return this.#pid;
  }

  /** Runs a command inside; what it ended with is answered, never thrown. */
  run(command: string, ...args: string[]): Promise<Answer> {
    const enter = ['-t', String(this.#pid), '-m', '-p', '-u', '-i', '-C', '-n', '-r', '-w', '--'];
    const options = { timeout: 60_000, env: { PATH: '/usr/sbin:/usr/bin:/sbin:/bin' } };
    return new Promise((done) => {
      const child = execFile('nsenter', [...enter, command, ...args], options, (_error, stdout, stderr) =>
        done({ status: child.exitCode ?? -1, stdout, stderr }),
      );
    });
  }

  /** Runs a command inside that must succeed, and answers its output without the last end of line. */
  async get(command: string, ...args: string[]): Promise<string> {
    const { status, stdout, stderr } = await this.run(command, ...args);
    if (status !== 0) throw new Error(`${command} ${args.join(' ')}: status ${status}\n${stdout}${stderr}`);
    return stdout.trimEnd();
  }

  /** Properties of a unit, as `systemctl show` has them. */
  async show(unit: string, ...properties: string[]): Promise<Record<string, string>> {
    const text = await this.get('systemctl', 'show', unit, ...properties.map((name) => `--property=${name}`));
    return Object.fromEntries(
      text.split('\n').map((line) => {
        const at = line.indexOf('=');
        return [line.slice(0, at), line.slice(at + 1)];
      }),
    );
  }

  /** What a unit's processes said, and what systemd said of it. */
  journal(unit: string): Promise<string> {
    return this.get('journalctl', '--no-pager', '-o', 'cat', '-u', unit);
  }

  async stop(): Promise<void> {
    const gone = new Promise((done) => {
      if (this.#outside.exitCode !== null || this.#outside.signalCode !== null) done(undefined);
      else this.#outside.once('exit', done);
    });
    if (this.#pid > 0) process.kill(this.#pid, 'SIGKILL');
    else this.#outside.kill('SIGKILL');
    await gone;
    for (let tries = 0; tries < 50 && !removeCgroups(this.#cgroup); tries++) await pause(20);
    process.off('exit', this.#onExit);
    this.#clear();
  }

  async #wait(): Promise<void> {
    let said = '';
    for (const stream of [this.#outside.stdout, this.#outside.stderr])
      stream?.on('data', (chunk) => {
        said += chunk;
      });
    const until = performance.now() + 30_000;
    while (performance.now() < until && this.#outside.exitCode === null) {
      this.#pid ||= firstProcessOf(this.#outside.pid!);
      if (this.#pid > 0) {
        const { stdout } = await this.run('systemctl', 'is-system-running');
        if (stdout.trim() === 'running') return;
        if (stdout.trim() === 'degraded') throw new Error(await this.get('systemctl', '--failed'));
      }
      await pause(20);
    }
    throw new Error(`systemd did not come up: ${said}`);
  }

  #clear(): void {
    if (this.#pid > 0) {
      try {
        process.kill(this.#pid, 'SIGKILL');
      } catch {}
    }
    removeCgroups(this.#cgroup);
    for (const folder of [this.share, this.#work]) rmSync(folder, { recursive: true, force: true });
  }
}

export function pause(ms: number): Promise<void> {
  return new Promise((done) => setTimeout(done, ms));
}

/** The child of `unshare`: the first process of the namespace, as this machine counts. */
function firstProcessOf(pid: number): number {
  try {
    return Number(readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ')[0]);
  } catch {
    return 0;
  }
}

/** Where this machine has its cgroup2: all of it, or beside the older hierarchies. */
function hierarchy(): string {
  const mounts = readFileSync('/proc/self/mounts', 'utf8').split('\n');
  const found = mounts.map((line) => line.split(' ')).find(([, , kind]) => kind === 'cgroup2')?.[1];
  if (found === undefined) throw new Error('no cgroup2 is mounted');
  return found;
}

/** What containers of processes that were killed left behind. */
function sweep(): void {
  for (const folder of [SHARES, tmpdir(), hierarchy()]) {
    for (const name of readdirSync(folder)) {
      const pid = /^gpuvm-systemd-(\d+)-/.exec(name)?.[1];
      if (pid === undefined || existsSync(`/proc/${pid}`)) continue;
      if (folder === hierarchy()) removeCgroups(join(folder, name));
      else rmSync(join(folder, name), { recursive: true, force: true });
    }
  }
}

/** False while something is left in one of them. */
function removeCgroups(folder: string): boolean {
  try {
    for (const entry of readdirSync(folder, { withFileTypes: true }))
      if (entry.isDirectory()) removeCgroups(join(folder, entry.name));
    rmdirSync(folder);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ENOENT';
  }
}
