import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { leftHoldings } from '../../../bpmp/worker/index.js';
import { runtimeFolder } from '../../../config/index.js';
import { controlFolders, listVms } from '../../../control/index.js';
import { GpuvmError } from '../../../errors.js';
import type { Check } from '../../../host/checks/index.js';
import { journalsOf } from '../../../journal/index.js';
import type { Given } from '../given.js';

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

/** What guests of killed supervisors still hold of the power firmware. */
export const ledgersLeft: Check<Given> = {
  id: 'gpuvm.ledger',
  async run({ sysroot, isLive }) {
    const folder = join(isLive ? runtimeFolder() : join(sysroot, 'run/gpuvm'), 'ledgers');
    const left = await leftHoldings(folder);
    if (left.length === 0)
      return [{ status: 'ok', what: 'no guest that is gone holds anything of the BPMP', evidence: folder }];
    return left.map(({ vm, file, count }) => ({
      on: vm,
      status: 'warn',
      what: `a guest of ${vm} is gone and has left ${count} of the BPMP's clocks, resets and domains changed`,
      evidence: file,
      fix: 'gpuvm recover',
    }));
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
        fix: `gpuvm recover; the next run of ${vm.name} takes it away, too`,
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
