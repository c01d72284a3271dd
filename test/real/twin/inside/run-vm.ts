import type { ChildProcess } from 'node:child_process';
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { lockHolder, stateFolders } from '../../../../src/journal/index.js';
import { type Ended, type Surroundings, start } from './processes.js';
import { shared } from './report.js';
import { names, text } from './sysfs.js';

export const EDU = '0000:00:10.0';
export const E1000E = '0000:00:11.0';
const JOURNALS = '/var/lib/gpuvm/journal';
const FOLDER = '/run/vms';

// What takes Linux long under two layers of emulation, and a guest does not need: looking for an aperture and for buses
// that are not there, testing its own cryptography, finding out how fast its clocks are.
const QUICK =
  'console=ttyS0 quiet loglevel=1 panic=-1 pci=noearly,lastbus=0 cryptomgr.notests tsc=reliable no_timer_check mitigations=off nokaslr';

export interface VmFileOptions {
  readonly devices?: readonly string[];
  /** Boots the guest; without, the firmware finds nothing to boot, and stays. */
  readonly guest?: string;
  readonly memory?: string;
  /** Who QEMU runs as. */
  readonly account?: string;
}

export function prepareVmFiles(): void {
  mkdirSync(FOLDER, { recursive: true });
}

/** QEMU maps the kernel, and page by page out of the shared folder that takes it half a minute. */
export function fetchGuest(): void {
  for (const name of ['inner-kernel', 'inner-initrd']) copyFileSync(join(shared, name), join(FOLDER, name));
}

/** Writes a VM file into a folder of its own. */
export function vmFile(name: string, options: VmFileOptions): string {
  const { devices = [], guest, memory = '128M', account } = options;
  const file = join(FOLDER, `${name}.yaml`);
  const boots = `kernel: ${FOLDER}/inner-kernel\ninitrd: ${FOLDER}/inner-initrd\nappend: ${QUICK} ${guest}\n`;
  writeFileSync(
    file,
    `name: ${name}
qemu: { binary: qemu-system-x86_64${account === undefined ? '' : `, user: ${account}`} }
machine: q35,accel=kvm
cpu: max
memory: ${memory}
${guest === undefined ? '' : boots}pciDevices:
${devices.map((host) => `  - { host: "${host}" }\n`).join('')}stop: { powerdown: 1s, quit: 60s, terminate: 60s, kill: 60s }
deadlines: { qmp: 5min }
`,
  );
  return file;
}

/** `gpuvm run`, while it runs. */
export class Running {
  readonly child: ChildProcess;
  readonly ended: Promise<Ended>;
  readonly said = { stdout: '', stderr: '' };
  readonly #started = performance.now();

  constructor(args: readonly string[], around: Surroundings = {}) {
    this.child = start('gpuvm', ['run', ...args], around, 'pipe');
    for (const name of ['stdout', 'stderr'] as const)
      this.child[name]!.setEncoding('utf8').on('data', (chunk: string) => {
        this.said[name] += chunk;
      });
    this.ended = new Promise((resolve, reject) => {
      this.child.once('error', reject);
      this.child.once('close', (status, signal) =>
        resolve({ status, signal, ...this.said, tookMs: Math.round(performance.now() - this.#started) }),
      );
    });
  }

  get isRunning(): boolean {
    return this.child.exitCode === null && this.child.signalCode === null;
  }

  /** Waits until something is so. Throws with all that was said where it ends or takes two minutes instead. */
  async until<T>(
    what: string,
    look: (said: Running['said']) => T | undefined | false,
    deadlineMs = 120_000,
  ): Promise<T> {
    for (const end = performance.now() + deadlineMs; performance.now() < end; await setTimeout(50)) {
      const found = look(this.said);
      if (found !== undefined && found !== false) return found;
      if (!this.isRunning) break;
    }
    const { stdout, stderr } = this.said;
    throw new Error(
      `${what}: not before the run ${this.isRunning ? 'took too long' : 'ended'}:\n${stdout}\n---\n${stderr}`,
    );
  }
}

/** Who has a path open, as /proc says. */
export function openers(path: string): { pid: number; name: string }[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .filter((pid) => filesOf(pid).includes(path))
    .map((pid) => ({ pid: Number(pid), name: text(`/proc/${pid}/comm`)?.trim() ?? '' }));
}

/** Until a process that is not this one's child is gone. */
export async function gone(pid: number): Promise<void> {
  for (const end = performance.now() + 120_000; existsSync(`/proc/${pid}`); await setTimeout(20))
    if (performance.now() > end) throw new Error(`process ${pid} does not end`);
}

function filesOf(pid: string): string[] {
  try {
    return readdirSync(`/proc/${pid}/fd`).map((fd) => {
      try {
        return readlinkSync(`/proc/${pid}/fd/${fd}`);
      } catch {
        return '';
      }
    });
  } catch {
    return [];
  }
}

/** What gpuvm keeps on the host of its own: journals with their records, and who has which device locked. */
export function kept(): { journals: unknown[][]; locks: Record<string, string> } {
  const journals = names(JOURNALS).map((name) =>
    readFileSync(join(JOURNALS, name), 'utf8')
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as unknown),
  );
  const { locks: folder } = stateFolders();
  const locks = Object.fromEntries(
    [EDU, E1000E].flatMap((name) => {
      const holder = lockHolder(`pci/${name}`, folder);
      return holder ? [[name, `${holder.vm} (${holder.pid})`]] : [];
    }),
  );
  return { journals, locks };
}
