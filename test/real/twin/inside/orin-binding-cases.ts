import { join } from 'node:path';
import { VfioDevice } from '../../../../src/vfio/device/index.js';
import { checkDevices } from '../../../../src/vfio/index.js';
import { command } from './in-process.js';
import { refusal } from './opening.js';
import { busybox, DEVICES, driver, group, journals, kernelSaying, look } from './orin-host.js';
import { REFERENCE } from './orin-reference.js';
import { gpuvm } from './processes.js';
import { names, text, write } from './sysfs.js';

const NO_IOMMU = '13100000.no_iommu';
const NO_RESET = '13200000.no_reset';
const ONE = '13300000.one_of_two';
const TWO = '13310000.two_of_two';
const GPU = '17000000.gpu';
const BIND = '/sys/bus/platform/drivers/vfio-platform/bind';

/** Before any driver was tried on them: none has its group yet. */
async function unprobed() {
  const groups = Object.fromEntries(REFERENCE.map((name) => [name, group(name)]));
  return {
    groups,
    json: await command('devices', 'list', '--json'),
    people: await command('devices', 'list'),
  };
}

/** The ten, by the command as a user has it, all of them at once. */
async function ten() {
  const before = look(REFERENCE);
  const bind = await gpuvm(['devices', 'bind', ...REFERENCE]);
  const bound = look(REFERENCE);
  const members = Object.fromEntries(
    REFERENCE.map((name) => [name, names(`/sys/kernel/iommu_groups/${group(name)}/devices`)]),
  );
  const nodes = REFERENCE.map((name) => names('/dev/vfio').includes(group(name)!));
  const kept = journals().length;
  const again = await command('devices', 'bind', ...REFERENCE);
  const listed = await command('devices', 'list');
  const unbind = await gpuvm(['devices', 'unbind']);
  return { before, bind, bound, members, nodes, kept, again, listed, unbind, after: look(REFERENCE) };
}

/** What the kernel makes of a device that it is told by hand to bind. */
async function byHand(name: string) {
  const path = join(DEVICES, name, 'driver_override');
  const { result, said } = await kernelSaying(() => {
    write(path, 'vfio-platform');
    return write(BIND, name);
  });
  const bound = driver(name);
  if (bound !== null) write(`/sys/bus/platform/drivers/${bound}/unbind`, name);
  write(path, '\n');
  return { errno: result, said, bound };
}

/** Devices that VFIO does not get: what gpuvm says, with what good devices beside them become, and what the kernel says. */
async function refused() {
  const noIommu = await command('devices', 'bind', GPU, NO_IOMMU);
  const afterNoIommu = look([GPU, NO_IOMMU]);
  const first = await command('devices', 'bind', ONE);
  const second = await kernelSaying(() => command('devices', 'bind', TWO));
  const afterSecond = look([ONE, TWO]);
  const unbind = await command('devices', 'unbind');
  return {
    noIommu,
    afterNoIommu,
    noIommuByHand: await byHand(NO_IOMMU),
    first,
    second: { ...second.result, kernel: second.said },
    afterSecond,
    unbind,
    after: look([ONE, TWO]),
    kept: journals(),
  };
}

const RESETS = '/sys/kernel/debug/gpuvm-dummy-reset/resets';
const resetsOf = (name: string) =>
  Number(new RegExp(`^(\\d+) ${name}$`, 'm').exec(text(RESETS) ?? '')?.[1] ?? 0);

async function resetFinding(name: string, resetRequired?: boolean) {
  const findings = await checkDevices([
    { bus: 'platform', name, ...(resetRequired === undefined ? {} : { resetRequired }) },
  ]);
  return findings.find(({ id }) => id === `vfio.reset/${name}`);
}

/** The parameter cannot be written to: vfio-platform is loaded anew. */
function loadVfioPlatform(resetRequired: 'Y' | 'N'): (string | null)[] {
  return [
    busybox('rmmod', 'vfio_platform'),
    busybox('modprobe', 'vfio-platform', `reset_required=${resetRequired}`),
  ];
}

/** A device without a reset driver, where vfio-platform minds and where it does not. */
async function withoutReset() {
  const required = text('/sys/module/vfio_platform/parameters/reset_required');
  const minded = {
    finding: await resetFinding(NO_RESET),
    bind: await command('devices', 'bind', NO_RESET),
    kernel: await byHand(NO_RESET),
  };
  const loaded = loadVfioPlatform('N');
  const ignored = {
    finding: await resetFinding(NO_RESET),
    findingWanted: await resetFinding(NO_RESET, true),
    bind: await command('devices', 'bind', NO_RESET),
    opened: openAndReset(NO_RESET),
    unbind: await command('devices', 'unbind'),
  };
  return { required, minded, loaded, ignored, loadedAgain: loadVfioPlatform('Y') };
}

function openAndReset(name: string) {
  const device = VfioDevice.open(name);
  try {
    return { canReset: device.info.canReset, reset: refusal(() => device.reset()) ?? null };
  } finally {
    device.dispose();
  }
}

/** A device with a reset driver, which counts: the kernel resets at opening and closing, and when it is asked to. */
async function withReset() {
  busybox('rmmod', 'gpuvm_dummy_reset');
  const before = await resetFinding(GPU);
  const bind = await command('devices', 'bind', GPU);
  const loaded = await resetFinding(GPU);
  const counts = [resetsOf(GPU)];
  const device = VfioDevice.open(GPU);
  counts.push(resetsOf(GPU));
  device.reset();
  counts.push(resetsOf(GPU));
  device.dispose();
  counts.push(resetsOf(GPU));
  write('/sys/module/gpuvm_dummy_reset/parameters/fail', '5');
  const failing = await kernelSaying(() => refusal(() => VfioDevice.open(GPU).dispose()) ?? null);
  write('/sys/module/gpuvm_dummy_reset/parameters/fail', '0');
  const unbind = await command('devices', 'unbind');
  return { before, bind, loaded, counts, failing, unbind };
}

export const bindingCases = { unprobed, ten, refused, withoutReset, withReset };
export type BindingCases = {
  [Name in keyof typeof bindingCases]: Awaited<ReturnType<(typeof bindingCases)[Name]>>;
};
