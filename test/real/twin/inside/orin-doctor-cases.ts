import { existsSync } from 'node:fs';
import { device } from './host-device-module.js';
import { command } from './in-process.js';
import { busybox } from './orin-host.js';
import { text } from './sysfs.js';

/** The reference VM: its kernel, its tree and its disk are not there, its devices are. */
const VM_FILE = 'examples/orin-gpu-vm.yaml';

/** What `gpuvm doctor` finds on this host, and for the reference VM on it: as it is, made better, broken on purpose. */
async function doctor() {
  const asItIs = {
    hasBpmp: existsSync('/dev/bpmp-host'),
    resetRequired: text('/sys/module/vfio_platform/parameters/reset_required'),
    people: await command('doctor'),
    host: await command('doctor', '--json'),
    vm: await command('doctor', VM_FILE, '--json'),
  };
  device.load();
  const unloaded = busybox('rmmod', 'vfio_platform');
  const broken = {
    unloaded,
    hasBpmp: existsSync('/dev/bpmp-host'),
    host: await command('doctor', '--json'),
    vm: await command('doctor', VM_FILE, '--json'),
  };
  const loaded = busybox('modprobe', 'vfio-platform', 'reset_required=N');
  const mended = { loaded, host: await command('doctor', '--json') };
  busybox('rmmod', 'vfio_platform');
  busybox('modprobe', 'vfio-platform');
  device.unload();
  return { asItIs, broken, mended };
}

export const doctorCases = { doctor };
export type DoctorCases = { doctor: Awaited<ReturnType<typeof doctor>> };
