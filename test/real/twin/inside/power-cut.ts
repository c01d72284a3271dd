/**
 * Runs in the twin, after each of its power cuts: has the disk mounted, runs the commands that the test gave it, and
 * reports how the host stands before and after each. power-cut.test.ts judges it.
 */
import { mkdirSync, readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { Aspect } from '../../../../src/bpmp/mediator/aspects.js';
import { LedgerFile } from '../../../../src/bpmp/worker/ledger-file.js';
import { type Ended, gpuvm, run } from './processes.js';
import { report, shared } from './report.js';
import { state, text } from './sysfs.js';

/** What one boot is to do, in `$TWIN_RESULTS/boot.json`. */
export interface Boot {
  readonly commands: readonly Command[];
}

export interface Command {
  readonly name: string;
  readonly args: readonly string[];
  /** The folder in which it says where it stands (stop-at.cjs), below `$TWIN_RESULTS`. */
  readonly moments?: string;
  /** It is a run of {@link VM_FILE}: it stands still also when the VM runs, with a ledger of its guest's on the disk. */
  readonly isRun?: boolean;
}

/** Reported as `mounted`. */
export interface Mounted {
  readonly mount: Ended;
  /** What the kernel says of the file system. */
  readonly messages: readonly string[];
  readonly state: Record<string, string>;
  readonly left: readonly string[];
}

/** Reported under the command's name. */
export interface CommandSeen {
  readonly ended: Ended;
  readonly state: Record<string, string>;
  readonly left: readonly string[];
}

export const E1000E = '0000:00:11.0';
export const VM_FILE = '/run/kite.yaml';
const STATE = '/var/lib/gpuvm';
const EVENTS = '/run/kite.ndjson';
/** On the disk, as an administrator may have it; in /run it would be gone with the power. */
const RUNTIME = join(STATE, 'run');

/** All files of gpuvm's own on the disk; a socket whose VM is gone says nothing, and the next run replaces it. */
function left(): string[] {
  const found = readdirSync(STATE, { recursive: true, withFileTypes: true });
  return found.filter((entry) => entry.isFile()).map(({ path, name }) => join(path, name));
}

async function main(): Promise<void> {
  const boot = JSON.parse(readFileSync(join(shared, 'boot.json'), 'utf8')) as Boot;
  for (const module of ['virtio_blk', 'crc32c_generic', 'ext4'])
    await run('/run/twin/busybox', ['modprobe', module]);
  // What is not flushed gets to the disk when the kernel sees fit, and file sizes sooner than contents: each second.
  const mount = await run('mount', ['-t', 'ext4', '-o', 'commit=1', '/dev/vda', STATE]);
  const { stdout } = await run('dmesg', []);
  const messages = stdout.split('\n').filter((line) => /EXT4-fs|JBD2|vda/.test(line));
  report('mounted', { mount, messages, state: state(), left: left() } satisfies Mounted);
  for (const command of boot.commands) {
    const { name, args, moments, isRun = false } = command;
    if (moments !== undefined) mkdirSync(join(shared, moments), { recursive: true });
    const env = {
      GPUVM_RUNTIME_DIR: RUNTIME,
      ...(moments === undefined
        ? {}
        : { NODE_OPTIONS: `--require ${shared}/stop-at.cjs`, STOP_AT: join(shared, moments) }),
    };
    const begun = gpuvm([...args, ...(isRun ? ['--events', EVENTS] : [])], { env });
    if (isRun) await standWhileItRuns(join(shared, moments!));
    const ended = await begun;
    report(name, { ended, state: state(), left: left() } satisfies CommandSeen);
  }
}

/** A VM of firmware alone, with a device of the host. */
function writeVmFile(): void {
  writeFileSync(
    VM_FILE,
    `name: kite
qemu: { binary: qemu-system-x86_64 }
machine: q35,accel=tcg
memory: 64M
pciDevices:
  - { host: "${E1000E}" }
deadlines: { qmp: 5min }
`,
  );
}

async function standWhileItRuns(folder: string): Promise<void> {
  while (!/"running"/.test(text(EVENTS) ?? '')) await setTimeout(50);
  const policy = { file: 'kite.yaml', text: 'version: 1\nchip: tegra234\nresets: { PWM1: use }' };
  const ledger = LedgerFile.create(join(RUNTIME, 'ledgers/kite/ledger'), {
    vm: 'kite',
    backend: { kind: 'host-device', path: '/dev/bpmp-host' },
    policy,
  });
  ledger.records.hold({ aspect: Aspect.RESET, id: 19, before: 0, now: 1, shared: false });
  await run('sync', []);
  writeFileSync(join(folder, 'vm.new'), 'the VM runs');
  renameSync(join(folder, 'vm.new'), join(folder, 'vm.moment'));
}

writeVmFile();
void main();
