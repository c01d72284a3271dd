import type { VmConfig } from '../../config/index.js';
import { askDevice, type BusLayout, orinVirt, type PlatformBus, stockVirt } from '../../qemu/index.js';
import type { PlanFinding } from './finding.js';
import { hostPageSize } from './page-size.js';

/** Which build of QEMU the plan is for. */
export interface ChosenLayout extends BusLayout {
  readonly kind: 'stock' | 'patched' | 'given';
  /** Why this one, for people. */
  readonly because: string;
}

/** The options of a device as a QEMU knows them; undefined where it has no such device. */
export type AskQemu = (binary: string, device: string) => Promise<readonly string[] | undefined>;

/** QEMU's machine of that name, of any version. */
const ARM_VIRT = /^(type=)?virt(-[\d.]+)?(,|$)/;
/** What `-m` is where nobody says it: the machine's own default. */
export const DEFAULT_RAM = 128n << 20n;

export function isVirt({ machine }: VmConfig): boolean {
  return ARM_VIRT.test(machine);
}

type Answer = 'has-base' | 'no-base' | 'no-device' | { readonly silent: string };

/**
 * The layout of the platform bus and what was found on the way. A file with `mmioBase` can be meant for a patched QEMU
 * only; for others the QEMU of the file is asked.
 */
export async function chooseLayout(
  config: VmConfig,
  ask: AskQemu = askDevice,
): Promise<{ layout: ChosenLayout; findings: PlanFinding[] }> {
  const { platformDevices, platformBus = {}, bridge, qemu } = config;
  const bases = platformDevices.findIndex(({ mmioBase }) => mmioBase !== undefined);
  const needsDevice = platformDevices.length > 0;
  const answer = needsDevice || bridge.kind === 'interposed' ? await answerOf(qemu.binary, ask) : undefined;
  const chosen = choose(bases >= 0, answer, qemu.binary);
  const findings = needsDevice && answer ? abilityFindings(answer, bases, qemu.binary) : [];
  const given = Object.fromEntries(Object.entries(platformBus).filter(([, value]) => value !== undefined));
  if (Object.keys(given).length === 0) return { layout: chosen, findings };
  const rest = ['base', 'size', 'ramBase', 'firstSpi', 'spis'].filter((key) => !(key in given));
  const because =
    rest.length === 0
      ? 'platformBus of the VM file'
      : `platformBus of the VM file; ${rest.join(', ')}: ${chosen.because}`;
  return { layout: { ...chosen, ...given, kind: 'given', because }, findings };
}

/** The platform bus that a run's addresses are computed for; QEMU is asked only where the VM file does not tell. */
export async function busFor(
  config: VmConfig,
  sysroot: string,
  ask: AskQemu = askDevice,
): Promise<PlatformBus> {
  const { platformDevices, platformBus = {}, qemu, memory } = config;
  const bases = platformDevices.some(({ mmioBase }) => mmioBase !== undefined);
  const answer = bases ? undefined : await answerOf(qemu.binary, ask);
  const given = Object.fromEntries(Object.entries(platformBus).filter(([, value]) => value !== undefined));
  return {
    ...choose(bases, answer, qemu.binary),
    ...given,
    ramSize: memory ?? DEFAULT_RAM,
    pageSize: hostPageSize(sysroot),
  };
}

function choose(hasBases: boolean, answer: Answer | undefined, binary: string): ChosenLayout {
  if (hasBases)
    return { ...orinVirt, kind: 'patched', because: 'mmioBase in the VM file is for a patched QEMU' };
  if (answer === 'has-base')
    return { ...orinVirt, kind: 'patched', because: `the vfio-platform of ${binary} has mmio-base` };
  const because =
    answer === undefined
      ? 'nothing in the VM file needs another'
      : typeof answer === 'object'
        ? `assumed, as ${binary} could not be asked`
        : answer === 'no-device'
          ? `${binary} has no vfio-platform`
          : `the vfio-platform of ${binary} has no mmio-base`;
  return { ...stockVirt, kind: 'stock', because };
}

async function answerOf(binary: string, ask: AskQemu): Promise<Answer> {
  try {
    const options = await ask(binary, 'vfio-platform');
    if (options === undefined) return 'no-device';
    return options.includes('mmio-base') ? 'has-base' : 'no-base';
  } catch (error) {
    return { silent: error instanceof Error ? error.message : String(error) };
  }
}

function abilityFindings(answer: Answer, base: number, binary: string): PlanFinding[] {
  const about = { id: 'plan.qemu', about: 'host', at: ['qemu', 'binary'] } as const;
  const evidence = `${binary} -device vfio-platform,help`;
  if (typeof answer === 'object')
    return [
      {
        ...about,
        status: 'warn',
        what: `this QEMU could not be asked what it can do`,
        evidence: answer.silent,
      },
    ];
  if (answer === 'no-device') {
    const what = `this QEMU has no vfio-platform, and platform devices need it: 10.1 is the last release that has it (${binary})`;
    return [{ ...about, status: 'warn', what, evidence: `${evidence}: no such device` }];
  }
  if (answer === 'no-base' && base >= 0) {
    const what = `the vfio-platform of this QEMU has no mmio-base: the VM needs a QEMU with the patch (${binary})`;
    return [{ ...about, status: 'warn', what, evidence: `${evidence}: no mmio-base` }];
  }
  return [];
}
