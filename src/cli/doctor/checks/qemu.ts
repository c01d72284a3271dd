import { arch } from 'node:os';
import type { VmConfig } from '../../../config/index.js';
import type { Check, Said } from '../../../host/checks/index.js';
import { nearest } from '../../../nearest.js';
import type { Given } from '../given.js';
import { ask, isProgram } from './ask-qemu.js';

const ARM = 'qemu-system-aarch64';
const PC = 'qemu-system-x86_64';

/** Whether there is a QEMU, and which one; the checks below have nothing to ask where there is none. */
export const binary: Check<Given> = {
  id: 'qemu.binary',
  async run({ config, qemu }) {
    const wanted = config ? [config.qemu.binary] : arch() === 'arm64' ? [ARM] : [ARM, PC];
    const there = wanted.filter(isProgram);
    if (there.length === 0)
      return [
        {
          status: config ? 'fail' : 'warn',
          what: `there is no QEMU: ${wanted.join(' or ')}${wanted[0]!.includes('/') ? '' : ' is not on the PATH'}`,
          evidence: wanted[0]!.includes('/') ? wanted[0]! : `PATH: ${process.env.PATH ?? ''}`,
          fix: 'apt install qemu-system-arm (or qemu-system-x86), or set qemu.binary in the VM file',
        },
      ];
    return Promise.all(
      there.map(async (program): Promise<Said> => {
        const { text } = await qemu.version(program);
        const on = there.length > 1 ? { on: program } : {};
        return { ...on, status: 'ok', what: `QEMU ${text}`, evidence: `${program} --version` };
      }),
    );
  },
};

/** The account that QEMU is to run as. */
export const account: Check<Given> = {
  id: 'qemu.account',
  run({ config, account: found, accountError }) {
    if (!config) return [];
    const { user, group } = config.qemu;
    const evidence =
      user === undefined && group === undefined
        ? 'qemu.user is not set'
        : `qemu.user: ${user ?? '-'}, qemu.group: ${group ?? '-'}`;
    if (accountError)
      return [
        {
          status: 'fail',
          what: accountError.message,
          evidence,
          fix: `useradd --system --no-create-home --shell /usr/sbin/nologin ${user ?? group}, or run gpuvm as root`,
        },
      ];
    if (found)
      return [{ status: 'ok', what: `QEMU runs as ${found.name} (${found.uid}:${found.gid})`, evidence }];
    if (process.geteuid?.() !== 0 || config.platformDevices.length + config.pciDevices.length === 0)
      return [{ status: 'ok', what: 'QEMU runs as whoever runs gpuvm', evidence }];
    return [
      {
        status: 'warn',
        what: 'QEMU would run as root: a guest that breaks out of it owns the host',
        evidence,
        fix: `useradd --system --no-create-home --shell /usr/sbin/nologin gpuvm; then qemu: { user: gpuvm } in the VM file`,
      },
    ];
  },
};

/** The machine type of `-machine virt,accel=kvm`. */
function machineType({ machine }: VmConfig): string {
  return machine.split(',', 1)[0]!.replace(/^type=/, '');
}

export const machine: Check<Given> = {
  id: 'qemu.machine',
  run: ask(async ({ config, qemu }) => {
    const type = machineType(config);
    const machines = await qemu.machines(config.qemu.binary);
    const evidence = `${config.qemu.binary} -machine help`;
    if (machines.includes(type)) return [{ status: 'ok', what: `it has the machine ${type}`, evidence }];
    const meant = nearest(type, machines);
    return [
      {
        status: 'fail',
        what: `it has no machine ${type}${meant ? `: did you mean ${meant}?` : ''}`,
        evidence: `${evidence}: ${machines.length} machines, and not this one`,
        fix: `set machine in ${config.file}${meant ? ` to ${meant}` : ''}, or qemu.binary to the QEMU of its architecture`,
      },
    ];
  }),
};

export const acceleration: Check<Given> = {
  id: 'qemu.accel',
  run: ask(async ({ config, needs, qemu }) => {
    const accelerators = await qemu.accelerators(config.qemu.binary);
    const evidence = `${config.qemu.binary} -accel help: ${accelerators.join(', ') || 'nothing'}`;
    if (!needs!.kvm) return [{ status: 'ok', what: 'no KVM is asked for', evidence }];
    if (accelerators.includes('kvm')) return [{ status: 'ok', what: 'it can use KVM', evidence }];
    return [
      {
        status: 'fail',
        what: `this QEMU cannot use KVM${isForeign(config) ? `, which this machine (${arch()}) has for its own architecture only` : ''}`,
        evidence,
        fix: "run it on a host of the guest's architecture, or take accel=kvm and cpu: host out of the VM file",
      },
    ];
  }),
};

function isForeign({ qemu }: VmConfig): boolean {
  return /aarch64/.test(qemu.binary) ? arch() !== 'arm64' : /x86_64/.test(qemu.binary) && arch() !== 'x64';
}

export const vfioUser = device('qemu.vfio-user', 'vfio-user-pci', {
  isNeeded: ({ bridge }) => bridge.kind === 'vfio-user' || bridge.kind === 'ivc',
  fix: 'set qemu.binary to a QEMU of 10.1 or newer (scripts/setup builds one)',
});
export const vfioPlatform = device('qemu.vfio-platform', 'vfio-platform', {
  isNeeded: ({ platformDevices }) => platformDevices.length > 0,
  fix: 'set qemu.binary to a QEMU of at most 10.1: 10.2 dropped vfio-platform',
});
export const vfioPci = device('qemu.vfio-pci', 'vfio-pci', {
  isNeeded: ({ pciDevices }) => pciDevices.length > 0,
  fix: 'set qemu.binary to a QEMU that is built with VFIO (CONFIG_VFIO_PCI)',
});

function device(
  id: string,
  driver: string,
  { isNeeded, fix }: { isNeeded: (config: VmConfig) => boolean; fix: string },
): Check<Given> {
  return {
    id,
    run: ask(async ({ config, qemu }) => {
      if (!isNeeded(config)) return [];
      const evidence = `${config.qemu.binary} -device ${driver},help`;
      if (await qemu.device(config.qemu.binary, driver))
        return [{ status: 'ok', what: `it has ${driver}`, evidence }];
      return [
        { status: 'fail', what: `this QEMU has no ${driver}`, evidence: `${evidence}: no such device`, fix },
      ];
    }),
  };
}

export const mmioBase: Check<Given> = {
  id: 'qemu.mmio-base',
  run: ask(async ({ config, qemu }) => {
    if (!config.platformDevices.some((one) => one.mmioBase !== undefined)) return [];
    const options = await qemu.device(config.qemu.binary, 'vfio-platform');
    const evidence = `${config.qemu.binary} -device vfio-platform,help`;
    if (!options) return [];
    if (options.includes('mmio-base'))
      return [{ status: 'ok', what: 'its vfio-platform has mmio-base', evidence }];
    return [
      {
        status: 'fail',
        what: 'the vfio-platform of this QEMU has no mmio-base, so no memory can be where the host has it',
        evidence: `${evidence}: no mmio-base`,
        fix: 'set qemu.binary to the QEMU that was built with the patch for mmio-base',
      },
    ];
  }),
};
