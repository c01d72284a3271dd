import { checkDevices } from '../../../../src/vfio/index.js';
import { gpuvm, probe } from './processes.js';
import { driver, group, names, override, text } from './sysfs.js';

const look = (name: string) => ({ driver: driver(name), override: override(name) });

/** A device that its group has to itself, there and back, with the kernel asked at every stage. */
export async function bindAndGiveBack(name: string) {
  const findings = await checkDevices([{ bus: 'pci', name }]);
  const resetMethod = text(`/sys/bus/pci/devices/${name}/reset_method`);
  const before = look(name);
  const bind = await gpuvm(['devices', 'bind', name]);
  const bound = look(name);
  const kernel = await probe([group(name), name]);
  const journals = names('/var/lib/gpuvm/journal').length;
  const again = await gpuvm(['devices', 'bind', name]);
  const unbind = await gpuvm(['devices', 'unbind', name]);
  const after = look(name);
  return {
    name,
    group: group(name),
    findings,
    resetMethod,
    before,
    bind,
    bound,
    kernel,
    journals,
    again,
    unbind,
    after,
  };
}

export type BindAndGiveBack = Awaited<ReturnType<typeof bindAndGiveBack>>;
