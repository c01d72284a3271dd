import { accessSync, constants, existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { controlFolders, listVms } from '../../../control/index.js';
import { GpuvmError } from '../../../errors.js';
import type { Check } from '../../../host/checks/index.js';
import { journalsOf } from '../../../journal/index.js';
import { addon, nativeProgram } from '../../../native/index.js';
import type { Given } from '../given.js';

const OLDEST = [20, 19] as const;

export const nodeVersion: Check<Given> = {
  id: 'gpuvm.node',
  run() {
    const [major, minor] = process.versions.node.split('.').map(Number) as [number, number];
    const evidence = `${process.execPath} ${process.version}`;
    if (major > OLDEST[0] || (major === OLDEST[0] && minor >= OLDEST[1]))
      return [{ status: 'ok', what: `Node ${process.version}`, evidence }];
    return [
      {
        status: 'fail',
        what: `Node ${process.version} is too old: gpuvm needs 20.19`,
        evidence,
        fix: 'install Node 20.19 or newer (https://nodejs.org)',
      },
    ];
  },
};

export const addonLoads: Check<Given> = {
  id: 'gpuvm.addon',
  run() {
    const path = nativeProgram('gpuvm.node');
    try {
      // Loading is not all: one that was built from older sources lacks what the newer ask for.
      const lacking = ['createMemory', 'tryLockFile', 'getAffinity'].filter((name) => !(name in addon()));
      if (lacking.length === 0) return [{ status: 'ok', what: 'the native addon loads', evidence: path }];
      return [
        {
          status: 'fail',
          what: `the native addon is of another version: it has no ${lacking.join(', ')}`,
          evidence: path,
          fix: 'npm run build:addon',
        },
      ];
    } catch (error) {
      if (!GpuvmError.is(error)) throw error;
      const why = error.cause instanceof Error ? error.cause.message.split('\n')[0] : error.message;
      return [
        {
          status: 'fail',
          what: 'the native addon cannot be loaded',
          evidence: `${path}: ${why}`,
          fix: 'npm run build:addon (or: npm rebuild gpuvm)',
        },
      ];
    }
  },
};

export const wrapper: Check<Given> = {
  id: 'gpuvm.exec',
  run() {
    const path = nativeProgram('gpuvm-exec');
    if (isAllowed(path, constants.X_OK))
      return [{ status: 'ok', what: 'the program that starts QEMU confined is there', evidence: path }];
    const there = existsSync(path);
    return [
      {
        status: 'fail',
        what: `the program that starts QEMU confined ${there ? 'cannot be executed' : 'is not there'}`,
        evidence: path,
        fix: there ? `chmod 0755 ${path}` : 'npm run build:addon (or: npm rebuild gpuvm)',
      },
    ];
  },
};

/** Journals are written before a device is touched, so a VM with devices cannot start without them. */
export const stateFolder: Check<Given> = {
  id: 'gpuvm.state',
  run({ folders, needs }) {
    const wants = needs === undefined || needs.platformDevices || needs.pciDevices;
    if (!wants) return [];
    const { folder, isOurs } = writable(folders.journal);
    const evidence = folder === folders.journal ? folder : `${folders.journal} would be made in ${folder}`;
    if (isOurs) return [{ status: 'ok', what: 'changes to the host can be written down', evidence }];
    return [
      {
        status: needs ? 'fail' : 'warn',
        what: 'changes to the host cannot be written down: no device can be given to a VM',
        evidence: `${evidence}, which may not be written to`,
        fix: 'run gpuvm as root, or give a folder of your own: GPUVM_STATE_DIR, --state-dir',
      },
    ];
  },
};

/** Where control sockets go. */
export const runtimeFolder: Check<Given> = {
  id: 'gpuvm.runtime',
  run({ sysroot, isLive }) {
    const wanted = isLive ? controlFolders()[0]! : join(sysroot, 'run/gpuvm');
    const { folder, isOurs } = writable(wanted);
    const evidence = folder === wanted ? folder : `${wanted} would be made in ${folder}`;
    if (isOurs) return [{ status: 'ok', what: 'control sockets can be made', evidence }];
    return [
      {
        status: 'fail',
        what: 'control sockets cannot be made: a VM could not be talked to',
        evidence: `${evidence}, which may not be written to`,
        fix: `install -d -m 0750 -o "$USER" ${wanted} as root, or set GPUVM_RUNTIME_DIR`,
      },
    ];
  },
};

/** What a run that was killed has left. */
export const journalsLeft: Check<Given> = {
  id: 'gpuvm.journal',
  run({ folders, sysroot }) {
    const journals = journalsOf(folders.journal, sysroot);
    const left = journals.filter(({ state }) => state === 'abandoned');
    if (left.length > 0)
      return left.map(({ vm, file, subjects }) => ({
        on: vm,
        status: 'warn',
        what: `a run of ${vm} was killed, and the host is not as it was: ${subjects.join(', ') || 'nothing of it is left to do'}`,
        evidence: file,
        fix: 'gpuvm recover',
      }));
    const kept = journals.filter(({ state }) => state === 'kept').map(({ vm }) => vm);
    const alive = journals.filter(({ state }) => state === 'alive').map(({ vm }) => vm);
    const note = [
      ...(alive.length ? [`in use by ${alive.join(', ')}`] : []),
      ...(kept.length ? [`meant to stay: ${kept.join(', ')}`] : []),
    ].join('; ');
    return [
      {
        status: 'ok',
        what: 'no run has left the host changed',
        evidence: `${folders.journal}: ${note || 'nothing'}`,
      },
    ];
  },
};

export const staleSockets: Check<Given> = {
  id: 'gpuvm.socket',
  async run({ sysroot, isLive }) {
    const folder = join(sysroot, 'run/gpuvm');
    const { vms } = await listVms(isLive ? process.env : { GPUVM_RUNTIME_DIR: folder });
    const dead = vms.filter(
      (vm) => 'problem' in vm && !GpuvmError.is(vm.problem, 'GPUVM_CONTROL_PERMISSION'),
    );
    if (dead.length > 0)
      return dead.map((vm) => ({
        on: vm.name,
        status: 'warn',
        what: `nobody answers at the control socket of ${vm.name}`,
        evidence: `${vm.path}: ${'problem' in vm ? vm.problem.message : ''}`,
        fix: `rm ${vm.path}, unless gpuvm logs or ps say that its supervisor lives; the next run of ${vm.name} does it by itself`,
      }));
    const alive = vms.filter((vm) => 'status' in vm).map(({ name }) => name);
    return [
      {
        status: 'ok',
        what: alive.length
          ? `running: ${alive.join(', ')}`
          : 'no VM runs, and no control socket is left over',
        evidence: isLive ? controlFolders().join(', ') : folder,
      },
    ];
  },
};

/** QEMU's own monitor socket, in a folder that only gpuvm makes. */
const SUPERVISED = /^unix:\S*\/gpuvm-[A-Za-z0-9]{6}\/qmp(,|$)/;

/** QEMUs that gpuvm started and that nobody looks after any more. */
export const unsupervised: Check<Given> = {
  id: 'gpuvm.qemu-alone',
  async run({ sysroot, isLive }) {
    const { vms } = isLive ? await listVms() : { vms: [] };
    const known = new Set(vms.flatMap((vm) => ('status' in vm ? (vm.status.pid ?? []) : [])));
    const all = processesIn(sysroot);
    const alone = all.filter(
      ({ pid, parent, words }) =>
        words.some((word) => SUPERVISED.test(word)) &&
        !words[0]!.endsWith('gpuvm-exec') &&
        !known.has(pid) &&
        !isSupervisor(all.find((other) => other.pid === parent)),
    );
    if (alone.length === 0)
      return [
        {
          status: 'ok',
          what: 'no QEMU runs without its supervisor',
          evidence: `${join(sysroot, 'proc')}/*/cmdline`,
        },
      ];
    return alone.map(({ pid, words }) => {
      const name = words[words.indexOf('-name') + 1] ?? '?';
      return {
        on: name,
        status: 'warn',
        what: `the QEMU of ${name} runs without a supervisor (process ${pid})`,
        evidence: `/proc/${pid}/cmdline: ${words[0]}`,
        fix: `kill ${pid}, then: gpuvm recover`,
      };
    });
  },
};

interface Process {
  readonly pid: number;
  readonly name: string;
  readonly parent: number;
  readonly words: readonly string[];
}

function processesIn(sysroot: string): Process[] {
  const proc = join(sysroot, 'proc');
  const list = existsSync(proc) ? readdirSync(proc) : [];
  return list
    .filter((name) => /^\d+$/.test(name))
    .flatMap((name): Process[] => {
      try {
        const words = readFileSync(join(proc, name, 'cmdline'), 'utf8').split('\0');
        const status = readFileSync(join(proc, name, 'status'), 'utf8');
        const field = (key: string) => new RegExp(`^${key}:\\s+(.*)$`, 'm').exec(status)?.[1] ?? '';
        return [{ pid: Number(name), name: field('Name'), parent: Number(field('PPid')), words }];
      } catch {
        return [];
      }
    });
}

/** Whoever started it, a program that uses the library too; but not whoever the kernel gives orphans to. */
function isSupervisor(parent: Process | undefined): boolean {
  if (parent === undefined || parent.name === 'systemd') return false;
  return parent.pid !== 1 || /^(node|gpuvm)/.test(parent.name);
}

/** Whether the folder, or what it would be made in, may be written to. */
function writable(wanted: string): { folder: string; isOurs: boolean } {
  let folder = wanted;
  while (!existsSync(folder) && dirname(folder) !== folder) folder = dirname(folder);
  return { folder, isOurs: isAllowed(folder, constants.W_OK | constants.X_OK) };
}

function isAllowed(path: string, mode: number): boolean {
  try {
    accessSync(path, mode);
    return true;
  } catch {
    return false;
  }
}
