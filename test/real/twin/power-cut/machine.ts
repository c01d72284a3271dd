import { type ChildProcess, spawn } from 'node:child_process';
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import type { Boot, Command, CommandSeen, Mounted } from '../inside/power-cut.js';
import { makePrograms } from '../twin.js';
import { ext4Disk } from './file-system.js';
import { NbdServer } from './nbd-server.js';
import type { Kept, VolatileDisk } from './volatile-disk.js';

const root = fileURLToPath(new URL('../../../../', import.meta.url));
const POLL_MS = 5;
/** So that whoever does not wait for a flush goes on before it is done. */
const FLUSH_MS = 30;

export type PlannedCommand = Omit<Command, 'moments'> & {
  /** It stands still at each of its moments. */
  readonly moments?: boolean;
};

/** A command of gpuvm stands still in the twin, and everything that it had begun is done. */
export interface Moment {
  readonly command: string;
  readonly name: string;
  /** The disk as it is now. */
  readonly disk: VolatileDisk;
}

/** What the power's failing leaves of writes that were not flushed; `go` to let the command go on. */
export type Verdict = 'go' | { readonly cut: Kept };

/** What one boot came to. */
export class Booted {
  readonly moments: readonly string[];
  /** The moment at which its power was cut. */
  readonly cutAt: string | undefined;
  readonly tookMs: number;
  readonly #said: string;
  readonly #reports: ReadonlyMap<string, unknown>;

  constructor(parts: {
    moments: readonly string[];
    cutAt: string | undefined;
    tookMs: number;
    said: string;
    reports: ReadonlyMap<string, unknown>;
  }) {
    this.moments = parts.moments;
    this.cutAt = parts.cutAt;
    this.tookMs = parts.tookMs;
    this.#said = parts.said;
    this.#reports = parts.reports;
  }

  get mounted(): Mounted {
    return this.#report('mounted') as Mounted;
  }

  /** What became of a command. Throws with all that was said where it did not come to its end. */
  command(name: string): CommandSeen {
    return this.#report(name) as CommandSeen;
  }

  #report(name: string): unknown {
    const report = this.#reports.get(name);
    if (report !== undefined) return report;
    throw new Error(
      `the twin reported nothing of ${name}; power was cut at ${this.cutAt ?? 'no moment'}, after ${this.moments.join(', ') || 'none'}:\n${this.#said}`,
    );
  }
}

/** A twin that is booted again and again on one disk, and whose power is cut. */
export class CuttableTwin {
  readonly #folder: string;
  readonly #server: NbdServer;

  private constructor(folder: string, server: NbdServer) {
    this.#folder = folder;
    this.#server = server;
  }

  static async prepare(): Promise<CuttableTwin> {
    const disk = await ext4Disk();
    const folder = mkdtempSync(join(tmpdir(), 'gpuvm-power-cut-'));
    chmodSync(folder, 0o755);
    await makePrograms({ kind: 'x86', script: join(root, 'test/real/twin/inside/power-cut.ts') }, folder);
    copyFileSync(join(root, 'test/real/twin/inside/stop-at.cjs'), join(folder, 'stop-at.cjs'));
    const server = await NbdServer.listen(join(folder, 'disk'), disk, { flushMs: FLUSH_MS });
    return new CuttableTwin(folder, server);
  }

  /** Told before each flush of the disk. */
  set onFlush(told: (disk: VolatileDisk) => void) {
    this.#server.onFlush = told;
  }

  /**
   * Boots the twin, which mounts the disk and runs these commands. At each moment of those that have `moments` the caller
   * decides whether it goes on; a cut ends QEMU with SIGKILL, and what the disk had not been told to keep goes with it.
   */
  async boot(
    commands: readonly PlannedCommand[],
    decide: (moment: Moment) => Verdict | Promise<Verdict> = () => 'go',
    { deadlineS = 300 } = {},
  ): Promise<Booted> {
    const started = performance.now();
    for (const name of ['results', 'moments']) {
      rmSync(join(this.#folder, name), { recursive: true, force: true });
      mkdirSync(join(this.#folder, name));
    }
    const boot: Boot = {
      commands: commands.map(({ moments = false, ...command }) => ({
        ...command,
        ...(moments ? { moments: `moments/${command.name}` } : {}),
      })),
    };
    writeFileSync(join(this.#folder, 'boot.json'), JSON.stringify(boot));
    const twin = this.#start(deadlineS);
    const moments: string[] = [];
    let cutAt: string | undefined;
    while (!twin.hasEnded() && cutAt === undefined) {
      for (const { command, stem } of this.#standing()) {
        const name = readFileSync(`${stem}.moment`, 'utf8');
        moments.push(`${command}: ${name}`);
        const verdict = await decide({ command, name, disk: this.#server.disk });
        if (verdict === 'go') writeFileSync(`${stem}.go`, '');
        else {
          cutAt = `${command}: ${name}`;
          process.kill(qemuBelow(twin.pid), 'SIGKILL');
          await this.#server.idle();
          this.#server.disk = this.#server.disk.afterCut(verdict.cut);
        }
      }
      await setTimeout(POLL_MS);
    }
    const said = await twin.ended;
    await this.#server.idle();
    return new Booted({
      moments,
      cutAt,
      tookMs: performance.now() - started,
      said,
      reports: this.#reports(),
    });
  }

  async dispose(): Promise<void> {
    await this.#server.close();
    rmSync(this.#folder, { recursive: true, force: true });
  }

  #start(deadlineS: number) {
    const folder = this.#folder;
    const share = [
      '--results',
      folder,
      '--console',
      join(folder, 'console'),
      '--gpuvm',
      join(folder, 'gpuvm.cjs'),
    ];
    const disk = ['--disk', `nbd:unix:${join(folder, 'disk')}`];
    const command = ['--deadline', String(deadlineS), '--', 'node', '/results/script.cjs'];
    const child = spawn(join(root, 'scripts/twin'), ['x86', ...share, ...disk, ...command], {
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let said = '';
    for (const stream of [child.stdout, child.stderr])
      stream.setEncoding('utf8').on('data', (chunk: string) => {
        said += chunk;
      });
    const ended = new Promise<string>((resolve, reject) => {
      child.once('error', reject);
      child.once('close', (status) => resolve(`${said}(ended with ${status})`));
    });
    return { pid: child.pid!, ended, hasEnded: () => hasEnded(child) };
  }

  /** Where commands stand and have not been let go. */
  #standing(): { command: string; stem: string }[] {
    const all = join(this.#folder, 'moments');
    return readdirSync(all).flatMap((command) =>
      readdirSync(join(all, command))
        .filter((name) => name.endsWith('.moment'))
        .sort()
        .map((name) => ({ command, stem: join(all, command, name.slice(0, -'.moment'.length)) }))
        .filter(({ stem }) => !existsSync(`${stem}.go`)),
    );
  }

  #reports(): Map<string, unknown> {
    const folder = join(this.#folder, 'results');
    return new Map(
      readdirSync(folder).map((name) => [
        name.replace(/\.json$/, ''),
        JSON.parse(readFileSync(join(folder, name), 'utf8') || 'null') as unknown,
      ]),
    );
  }
}

function hasEnded({ exitCode, signalCode }: ChildProcess): boolean {
  return exitCode !== null || signalCode !== null;
}

/** QEMU, somewhere below the script that started it. */
function qemuBelow(ancestor: number): number {
  const parents = new Map<number, { parent: number; name: string }>();
  for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
    try {
      const [, name, parent] = /\((.*)\) \S (\d+)/s.exec(readFileSync(`/proc/${pid}/stat`, 'utf8'))!;
      parents.set(Number(pid), { parent: Number(parent), name: name! });
    } catch {
      // It has just ended.
    }
  }
  for (const [pid, { name }] of parents) {
    if (!name.startsWith('qemu-system')) continue;
    for (let at: number | undefined = pid; at !== undefined; at = parents.get(at)?.parent)
      if (at === ancestor) return pid;
  }
  throw new Error('there is no QEMU whose power could be cut');
}
