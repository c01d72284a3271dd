import { dirname, resolve } from 'node:path';
import { cacheFolder, type VmConfig } from '../../config/index.js';
import { ExitStatus } from '../../errors.js';
import { commandWord, literal, type ServiceFacts } from '../../host/systemd/index.js';
import { endings, monitorDeadlineMs } from '../../vm/index.js';
import { capabilitiesOf, devicesOf, hidingOf, modulesOf, networkOf } from './needs.js';
import { isInHome, isInTmp, overridesFor, pathsOf } from './paths.js';

/** What the host and the program take on top of what the VM file says, generously. */
const MARGIN_MS = 30_000;
/** A write to sysfs that hands a device over has a deadline; a device is written to a few times. */
const DEVICE_MS = 15_000;
const BRIDGE_END_MS = 15_000;

/** Ends that are no failure: the guest's own reset with `reboot: exit`, stopped, ended from outside. */
const WANTED = ['guest-reset', 'stopped', 'ended-from-outside'] as const;

export const wantedStatuses = WANTED.map((ending) => endings[ending]);

/** Every end of a VM but the good one, and every mistake that stays one until somebody mends it. */
export const finalStatuses = [
  ...new Set<number>([
    ...Object.values(endings).filter((status) => status !== 0),
    ExitStatus.USAGE,
    ExitStatus.DATA,
    ExitStatus.UNAVAILABLE,
    ExitStatus.PERMISSION,
    ExitStatus.CONFIG,
  ]),
].sort((a, b) => a - b);

/** What a unit has to know of this VM. `program` is gpuvm as it is to be started. */
export function factsOf(config: VmConfig, program: readonly string[]): ServiceFacts {
  const paths = pathsOf(config, program);
  const all = [...paths.read, ...paths.written];
  const hasDevices = config.platformDevices.length + config.pciDevices.length > 0;
  return {
    name: literal(config.name),
    file: commandWord(resolve(config.file)),
    program: program.map(commandWord),
    devices: devicesOf(config),
    modules: modulesOf(config),
    bindsDevices: hasDevices,
    pinsMemory: hasDevices || (config.memoryBackend?.lock ?? false),
    isInterposed: config.bridge.kind === 'interposed',
    hidesNode: hidingOf(config),
    capabilities: capabilitiesOf(config, overridesFor(paths)),
    network: networkOf(config),
    writable: paths.written,
    ...(all.some((path) => path.startsWith(`${cacheFolder()}/`))
      ? { cacheHome: literal(dirname(cacheFolder())) }
      : {}),
    needsHomes: all.some(isInHome),
    needsTmp: all.some(isInTmp),
    finalStatuses,
    wantedStatuses,
    ...timesOf(config),
  };
}

/** How long the VM may take to start and to stop, with all that goes on around it. */
export function timesOf(config: VmConfig): Pick<ServiceFacts, 'startMs' | 'stopMs'> {
  const { stop, ready, hooks } = config;
  const devices = config.platformDevices.length + config.pciDevices.length;
  const sum = (list: readonly { readonly deadline: number }[]) =>
    list.reduce((total, { deadline }) => total + deadline, 0);
  const guest = ready.when === 'qmp' ? 0 : ready.deadline;
  const ladder = stop.powerdown + stop.quit + stop.terminate + stop.kill;
  return {
    startMs: sum(hooks.preStart) + devices * DEVICE_MS + monitorDeadlineMs(config) + guest + MARGIN_MS,
    stopMs:
      sum(hooks.preStop) + ladder + BRIDGE_END_MS + devices * DEVICE_MS + sum(hooks.postStop) + MARGIN_MS,
  };
}

/**
 * What the template has to know: its VMs are not known, so it has the devices and rights of the usual VM that owns a GPU.
 * A drop-in makes it fit one VM.
 */
export function templateFacts(program: readonly string[]): ServiceFacts {
  return {
    name: '%i',
    file: '/etc/gpuvm/%i.yaml',
    program: program.map(commandWord),
    devices: [
      { what: '/dev/kvm rw', why: 'guests run on the CPU itself' },
      { what: '/dev/vfio/vfio rw', why: "the devices' view of memory" },
      { what: 'char-vfio rw', why: 'the groups of the devices' },
      { what: '/dev/bpmp-host rw', why: "the host's BPMP, for the bridge" },
    ],
    modules: ['vfio_platform'],
    bindsDevices: true,
    pinsMemory: true,
    isInterposed: true,
    hidesNode: 'by-user-namespace',
    capabilities: [
      { what: 'CAP_CHOWN', why: "the control socket may be a group's" },
      { what: 'CAP_SYS_PTRACE', why: "the bridge reads QEMU's messages" },
      { what: 'CAP_SETFCAP', why: "root is root in the namespace that hides the BPMP's node" },
    ],
    network: 'host',
    writable: [],
    needsHomes: false,
    needsTmp: false,
    finalStatuses,
    wantedStatuses,
    startMs: 300_000,
    stopMs: 300_000,
  };
}
