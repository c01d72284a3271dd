import { loadPolicy, type PolicySummary, summaryOf } from '../../bpmp/policy/index.js';
import type { VmConfig } from '../../config/index.js';
import { GpuvmError } from '../../errors.js';
import type { HostStep } from '../../journal/index.js';
import { type PlatformBus, supervisionArguments, vmArguments } from '../../qemu/index.js';
import { qemuAccount } from '../account.js';
import { type AskQemu, type ChosenLayout, chooseLayout, DEFAULT_RAM, isVirt } from './bus.js';
import { checkCarveOuts } from './carve-outs.js';
import type { PlanFinding } from './finding.js';
import { planHostChanges } from './host-changes.js';
import { readHostTree } from './host-tree.js';
import { type MapEntry, memoryMap } from './memory-map.js';
import { checkOtherDevices } from './other-devices.js';
import { hostPageSize } from './page-size.js';
import { type PlannedDevice, predict } from './prediction.js';
import { shapesOf } from './shapes.js';
import { checkWindow } from './window.js';

export interface PlanOptions {
  /** Where /sys, /proc and /dev are. Default: `/`. */
  readonly sysroot?: string;
  /** A blob with the host's device tree; by default the sysroot's own. */
  readonly hostTree?: string | undefined;
  /** @internal Tests have no QEMU to ask. */
  readonly askQemu?: AskQemu;
}

/** What a run of the VM would do. */
export interface Plan {
  readonly name: string;
  readonly file: string;
  /** Every change to the host, each with its undo. */
  readonly steps: readonly HostStep[];
  /** QEMU, and what the VM file says to it. */
  readonly program: string;
  readonly argv: readonly string[];
  /** What a supervised run says to it besides; its paths are of the run's own folder, here `RUNTIME`. */
  readonly supervision: readonly string[];
  /** Undefined for machines other than QEMU's `virt` for Arm. */
  readonly bus?: ChosenLayout & PlatformBus;
  readonly memoryMap: readonly MapEntry[];
  /** In the VM file's order, which is QEMU's. */
  readonly devices: readonly PlannedDevice[];
  readonly policy?: PolicySummary & { readonly file: string };
  readonly hostTree?: string;
  /** What is not `ok`, the VM file's own mistakes first. */
  readonly findings: readonly PlanFinding[];
}

const RUNTIME = 'RUNTIME';

/**
 * Says what a run would do and changes nothing; needs neither the hardware nor QEMU. Throws GPUVM_FILE, GPUVM_DEVICE_TREE
 * or GPUVM_POLICY where a file that it is to read cannot be read; all else that is wrong is in the findings.
 */
export async function makePlan(config: VmConfig, options: PlanOptions = {}): Promise<Plan> {
  const { sysroot = '/', askQemu } = options;
  const [host, chosen, account] = await Promise.all([
    readHostTree(sysroot, options.hostTree),
    chooseLayout(config, askQemu),
    accountOf(config),
  ]);
  const changes = await planHostChanges(config, sysroot, account.account);
  const { shapes, findings: shapeFindings } = shapesOf(config, host);
  const bus = isVirt(config)
    ? { ...chosen.layout, ramSize: config.memory ?? DEFAULT_RAM, pageSize: hostPageSize(sysroot) }
    : undefined;
  const prediction = bus ? predict(shapes, bus) : unpredicted(config);
  const map = bus ? memoryMap(config, bus, prediction.devices) : [];
  const policy = config.policy === undefined ? undefined : (await loadPolicy(config.policy)).compile();
  const findings = [
    ...prediction.findings,
    ...checkWindow(config, map),
    ...checkOtherDevices(config),
    ...checkCarveOuts(shapes, host),
    ...shapeFindings,
    ...chosen.findings,
    ...account.findings,
    ...changes.findings,
  ];
  return {
    name: config.name,
    file: config.file,
    steps: changes.steps,
    program: config.qemu.binary,
    argv: vmArguments(config),
    supervision: supervisionArguments(config, {
      qmpPath: `${RUNTIME}/qmp`,
      guestAgentPath: `${RUNTIME}/guest-agent`,
    }),
    ...(bus && { bus }),
    memoryMap: map,
    devices: prediction.devices,
    ...(policy && { policy: { file: config.policy!, ...summaryOf(policy) } }),
    ...(host && { hostTree: host.from }),
    findings: findings.filter(({ status }) => status !== 'ok'),
  };
}

/** Another machine has a platform bus elsewhere, or none. */
function unpredicted({ machine, platformDevices }: VmConfig) {
  const devices = platformDevices.map(({ host, mmioBase }) => ({
    host,
    mmioBase,
    regions: undefined,
    spis: undefined,
  }));
  const finding: PlanFinding = {
    id: 'plan.machine',
    status: 'fail',
    what: `machine ${machine}: platform devices are for QEMU's machine virt for Arm`,
    evidence: machine,
    about: 'file',
    at: ['machine'],
  };
  return { devices, findings: devices.length > 0 ? [finding] : [] };
}

/** Who is to open the devices, where the host that is planned on knows him. */
async function accountOf(config: VmConfig) {
  try {
    const account = await qemuAccount(config);
    const known = account && { name: account.name, uid: account.uid, gids: [account.gid] };
    return { account: known, findings: [] };
  } catch (error) {
    if (!GpuvmError.is(error)) throw error;
    const finding: PlanFinding = {
      id: 'plan.account',
      status: 'warn',
      what: `the account that QEMU is to run as: ${error.message}`,
      evidence: 'qemu.user and qemu.group',
      about: 'host',
    };
    return { account: undefined, findings: [finding] };
  }
}
