import { chmodSync, chownSync, mkdirSync, statSync } from 'node:fs';
import { here } from './in-process.js';
import { type Ended, gpuvm, run, type Surroundings } from './processes.js';
import { E1000E, EDU, Running, vmFile } from './run-vm.js';
import { differences, group, state } from './sysfs.js';

const NOBODY = 65534;

export interface Refused {
  readonly plan: Ended;
  readonly run: Ended;
  /** What is not as it was on the host. */
  readonly changed: readonly string[];
}

/** Plans and runs a VM that cannot have its device. */
export async function refused(file: string, around: Surroundings = {}): Promise<Refused> {
  const before = state();
  const isRoot = Object.keys(around).length === 0;
  const plan = isRoot ? await here('plan', file, '--json') : await gpuvm(['plan', file, '--json'], around);
  const ended = await gpuvm(['run', file], around);
  return { plan, run: ended, changed: differences(before, state()) };
}

/** What keeps a VM from its devices, and that nothing was changed for it. */
export async function refusals() {
  const edu = vmFile('edu', { devices: [EDU] });
  return {
    notViable: await refused(vmFile('not-viable', { devices: ['0000:00:1f.3'] })),
    absent: await refused(vmFile('absent', { devices: ['0000:00:19.0'] })),
    unprivileged: await refused(edu, { uid: NOBODY }),
    unprivilegedElsewhere: await refused(vmFile('card', { devices: [E1000E] }), own()),
    withoutModule: await withoutModule(edu),
  };
}

export type Refusals = Awaited<ReturnType<typeof refusals>>;

/** Folders of its own, as an account without rights has to have them. */
function own(): Surroundings {
  const folder = '/run/nobody';
  mkdirSync(folder, { recursive: true });
  chownSync(folder, NOBODY, NOBODY);
  return {
    uid: NOBODY,
    env: { GPUVM_STATE_DIR: folder, GPUVM_RUNTIME_DIR: folder, XDG_RUNTIME_DIR: folder, HOME: folder },
  };
}

async function withoutModule(file: string): Promise<Refused & { unloaded: Ended; loaded: Ended }> {
  const unloaded = await run('/run/twin/busybox', ['rmmod', 'vfio_pci']);
  const seen = await refused(file);
  const loaded = await run('/run/twin/busybox', ['modprobe', 'vfio-pci']);
  return { ...seen, unloaded, loaded };
}

/** A run that is ended as soon as its guest runs, should it come to that. */
async function tried(file: string, around: Surroundings): Promise<{ ran: boolean; ended: Ended }> {
  const attempt = new Running([file, '--verbose'], around);
  const ran = await attempt
    .until('the guest runs', ({ stderr }) => stderr.includes('state: running'))
    .then(
      () => true,
      () => false,
    );
  attempt.child.kill('SIGTERM');
  return { ran, ended: await attempt.ended };
}

/**
 * An account without rights that root has given a device which is bound already: it may run the VM itself, as far as its
 * limit of locked memory lets it pin the guest's.
 */
export async function memlock() {
  const file = vmFile('memlock', { devices: [EDU], memory: '64M' });
  const around = own();
  const bind = await here('devices', 'bind', EDU);
  const nodes = [`/dev/vfio/${group(EDU)}`, '/dev/kvm'];
  const modes = nodes.map((node) => statSync(node).mode & 0o777);
  const notGiven = await gpuvm(['run', file], { ...around, memlockKib: 'unlimited' });
  for (const node of nodes) chmodSync(node, 0o666);
  const tooSmall = await refused(file, { ...around, memlockKib: 1024 });
  const enough = await tried(file, { ...around, memlockKib: 'unlimited' });
  for (const [index, node] of nodes.entries()) chmodSync(node, modes[index]!);
  const unbind = await here('devices', 'unbind');
  return { bind, notGiven, tooSmall, enough, unbind };
}

export type Memlock = Awaited<ReturnType<typeof memlock>>;
