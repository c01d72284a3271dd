import { cpuCount, loadVmFile, type VmConfig } from '../../config/index.js';
import { listVms, type VmStatus } from '../../control/index.js';
import { GpuvmError } from '../../errors.js';
import type { CheckedHost, HostNeeds } from '../../host/checks/index.js';
import { type StateFolders, stateFolders } from '../../journal/index.js';
import { type QemuAccount, qemuAccount } from '../../vm/index.js';
import { QemuAnswers } from './qemu-answers.js';

/** All that the checks are given: the host, and the VM where there is one. */
export interface Given extends CheckedHost {
  /** The host is the one that runs this, so that more than its files can be asked. */
  readonly isLive: boolean;
  readonly folders: StateFolders;
  readonly hostTree: string | undefined;
  /** The VM file as it was named; undefined where the host alone is looked at. */
  readonly file: string | undefined;
  /** Undefined where there is no VM file, or one that cannot be read. */
  readonly config: VmConfig | undefined;
  /** What is wrong with the VM file. */
  readonly fileError: GpuvmError | undefined;
  /** Who QEMU runs as; undefined for whoever runs gpuvm. */
  readonly account: QemuAccount | undefined;
  readonly accountError: GpuvmError | undefined;
  readonly qemu: QemuAnswers;
  /** This VM runs already, so that what it needs is taken, by itself. */
  readonly running: VmStatus | undefined;
}

export interface GivenOptions {
  readonly file?: string | undefined;
  readonly sysroot?: string | undefined;
  readonly hostTree?: string | undefined;
  readonly stateDir?: string | undefined;
}

export async function gather({ file, sysroot = '/', hostTree, stateDir }: GivenOptions): Promise<Given> {
  const { value: config, error: fileError } = file === undefined ? {} : await attempt(loadVmFile(file));
  const { value: account, error: accountError } = config ? await attempt(qemuAccount(config)) : {};
  const running = config && sysroot === '/' ? await statusOf(config.name) : undefined;
  return {
    sysroot,
    isLive: sysroot === '/',
    folders: stateFolders({ stateDir, sysroot }),
    hostTree,
    file,
    config,
    fileError,
    account,
    accountError,
    needs: config && (running ? withoutMemory(needsOf(config, account)) : needsOf(config, account)),
    running,
    qemu: new QemuAnswers(),
  };
}

/** The VM of that name, where one runs and may be asked. */
async function statusOf(name: string): Promise<VmStatus | undefined> {
  const { vms } = await listVms();
  const own = vms.find((vm) => vm.name === name);
  return own && 'status' in own ? own.status : undefined;
}

/** A VM that runs has its memory. */
function withoutMemory({ hugepages: _, ...needs }: HostNeeds): HostNeeds {
  return { ...needs, guestBytes: 0n };
}

/** What is wrong comes as a finding later. */
async function attempt<T>(promise: Promise<T>): Promise<{ value?: T; error?: GpuvmError }> {
  try {
    return { value: await promise };
  } catch (error) {
    if (!GpuvmError.is(error)) throw error;
    return { error };
  }
}

/** QEMU's own for every machine. */
const DEFAULT_RAM = 128n << 20n;

export function needsOf(config: VmConfig, account?: QemuAccount): HostNeeds {
  const { nets, bridge, backend, memory, memoryBackend, cpuPinning, smp } = config;
  const taps = nets.filter((net) => net.kind === 'tap');
  const vcpus = cpuCount(smp);
  return {
    kvm: needsKvm(config),
    platformDevices: config.platformDevices.length > 0,
    pciDevices: config.pciDevices.length > 0,
    tap: taps.length > 0,
    vhostNet: taps.some(({ vhost }) => vhost === true),
    interposed: bridge.kind === 'interposed',
    memfd: bridge.kind === 'vfio-user' || bridge.kind === 'ivc' || memoryBackend?.kind === 'memfd',
    guestBytes: memory ?? DEFAULT_RAM,
    ...(backend.kind === 'host-device' && { bpmpDevice: backend.path }),
    ...(memoryBackend?.kind === 'hugepages' && {
      hugepages: {
        ...(memoryBackend.path !== undefined && { path: memoryBackend.path }),
        ...(memoryBackend.hugepageSize !== undefined && { sizeBytes: memoryBackend.hugepageSize }),
      },
    }),
    ...(vcpus !== undefined && { vcpus }),
    ...(cpuPinning && {
      pinning: {
        vcpus: cpuPinning.vcpus,
        ...(cpuPinning.emulator && { emulator: cpuPinning.emulator }),
      },
    }),
    ...(account && { account: { name: account.name, uid: account.uid, gids: [account.gid] } }),
  };
}

/** With `kvm:tcg` QEMU helps itself where there is no KVM. */
export function needsKvm({ machine, cpu, extraArguments }: VmConfig): boolean {
  const words = ` ${[machine, ...extraArguments].join(' ')} `;
  return /[ ,]accel=kvm[ ,]|-accel kvm[ ,]|-enable-kvm /.test(words) || cpu?.split(',', 1)[0] === 'host';
}
