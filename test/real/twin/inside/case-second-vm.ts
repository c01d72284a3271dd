import { Journal, stateFolders } from '../../../../src/journal/index.js';
import { bindDevices, checkDevices, planBinding } from '../../../../src/vfio/index.js';
import { gpuvm } from './processes.js';
import { driver } from './sysfs.js';

/** One VM has the device; another one, `devices bind`, `unbind` and `recover` come along. */
export async function secondVm(name: string) {
  const folders = stateFolders();
  const request = { bus: 'pci', name } as const;
  const plan = await planBinding([request], { folders });
  const journal = await Journal.open({ folder: folders.journal, vm: 'first' });
  const devices = await bindDevices(plan, journal);
  const findings = await checkDevices([request], { folders });
  const listed = await gpuvm(['devices', 'list', '--json']);
  const bind = await gpuvm(['devices', 'bind', name]);
  const unbind = await gpuvm(['devices', 'unbind', name]);
  const recovered = await gpuvm(['recover', '--json']);
  const meanwhile = driver(name);
  const restored = await devices.restore();
  await journal.close();
  return {
    pid: process.pid,
    findings,
    listed,
    bind,
    unbind,
    recovered,
    meanwhile,
    restored,
    after: driver(name),
  };
}

export type SecondVm = Awaited<ReturnType<typeof secondVm>>;
