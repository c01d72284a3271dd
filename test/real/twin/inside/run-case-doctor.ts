import { here } from './in-process.js';
import { gpuvm, run } from './processes.js';
import { E1000E, EDU, vmFile } from './run-vm.js';
import { differences, state } from './sysfs.js';

const NOBODY = 65534;
const busybox = (...args: string[]) => run('/run/twin/busybox', args);

/** `gpuvm doctor` on this host as it is: for people and as data, without a VM file and with one. */
export async function doctor() {
  const before = state();
  const file = vmFile('examined', { devices: [EDU, E1000E] });
  const host = { people: await here('doctor'), json: await here('doctor', '--json') };
  const vm = { people: await here('doctor', file), json: await gpuvm(['doctor', file, '--json']) };
  return { host, vm, changed: differences(before, state()) };
}

export type Doctor = Awaited<ReturnType<typeof doctor>>;

/** The same, broken on purpose: no vfio-pci, one of a group that the host uses, and accounts that may not open /dev/kvm. */
export async function broken() {
  const file = vmFile('examined', { devices: [EDU, '0000:00:1f.3'] });
  const loaded = [await busybox('rmmod', 'vfio_pci'), await busybox('modprobe', 'kvm-amd')];
  const before = state();
  const vm = await here('doctor', file, '--json');
  const nobody = await gpuvm(['doctor', file, '--json'], { uid: NOBODY });
  const own = await here('doctor', vmFile('of-nobody', { devices: [EDU], account: 'nobody' }), '--json');
  const changed = differences(before, state());
  const mended = await busybox('modprobe', 'vfio-pci');
  return { loaded, vm, nobody, own, changed, mended };
}

export type Broken = Awaited<ReturnType<typeof broken>>;
