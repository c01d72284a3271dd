/**
 * Runs in the twin, after each of its power cuts: has the disk mounted, runs the commands that the test gave it, and
 * reports how the host stands before and after each. power-cut.test.ts judges it.
 */
import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Ended, gpuvm, run } from './processes.js';
import { report, shared } from './report.js';
import { names, state } from './sysfs.js';

/** What one boot is to do, in `$TWIN_RESULTS/boot.json`. */
export interface Boot {
  readonly commands: readonly Command[];
}

export interface Command {
  readonly name: string;
  readonly args: readonly string[];
  /** The folder in which it says where it stands (stop-at.cjs), below `$TWIN_RESULTS`. */
  readonly moments?: string;
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

const STATE = '/var/lib/gpuvm';

/** All files of gpuvm's own on the disk. */
const left = () =>
  ['', '/journal']
    .flatMap((folder) => names(STATE + folder).map((name) => `${folder}/${name}`))
    .filter((name) => !['/lost+found', '/journal'].includes(name));

async function main(): Promise<void> {
  const boot = JSON.parse(readFileSync(join(shared, 'boot.json'), 'utf8')) as Boot;
  for (const module of ['virtio_blk', 'crc32c_generic', 'ext4'])
    await run('/run/twin/busybox', ['modprobe', module]);
  const mount = await run('mount', ['-t', 'ext4', '/dev/vda', STATE]);
  const { stdout } = await run('dmesg', []);
  const messages = stdout.split('\n').filter((line) => /EXT4-fs|JBD2|vda/.test(line));
  report('mounted', { mount, messages, state: state(), left: left() } satisfies Mounted);
  for (const { name, args, moments } of boot.commands) {
    if (moments !== undefined) mkdirSync(join(shared, moments), { recursive: true });
    const env =
      moments === undefined
        ? {}
        : { NODE_OPTIONS: `--require ${shared}/stop-at.cjs`, STOP_AT: join(shared, moments) };
    const ended = await gpuvm(args, { env });
    report(name, { ended, state: state(), left: left() } satisfies CommandSeen);
  }
}

void main();
