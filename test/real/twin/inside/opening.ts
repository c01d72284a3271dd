import { spawnSync } from 'node:child_process';
import { existsSync, readlinkSync } from 'node:fs';
import { GpuvmError, VfioAddressSpace, VfioDevice } from '../../../../src/vfio/device/index.js';

/** At the places where scripts/lib/twin-x86 puts them. */
export const EDU = '0000:00:10.0';
export const E1000E = '0000:00:11.0';
/** One of three functions that share a group. */
export const SHARED = '0000:00:1f.2';

/** The kernel's way to an address space that the cases go, where they do not say. Child processes go it too. */
const WAY = 'TWIN_VFIO_WAY';

export function goBy(way: 'group' | 'iommufd'): void {
  process.env[WAY] = way;
}

const way = () => ({ via: (process.env[WAY] ?? 'group') as 'group' | 'iommufd' });

export const open: typeof VfioDevice.open = (name, options = {}) =>
  VfioDevice.open(name, options.space ? options : { ...way(), ...options });

export const openSpace = () => VfioAddressSpace.open(way());

/** Binds one function alone, past gpuvm's checks, which would refuse a part of a group. */
export function takeOver(name: string): string | null {
  const folder = `/sys/bus/pci/devices/${name}`;
  const script = `echo vfio-pci > ${folder}/driver_override; [ ! -e ${folder}/driver ] || echo ${name} > ${folder}/driver/unbind; echo ${name} > /sys/bus/pci/drivers_probe`;
  spawnSync('sh', ['-c', script]);
  return existsSync(`${folder}/driver`) ? readlinkSync(`${folder}/driver`).split('/').at(-1)! : null;
}

export function using<T>(device: VfioDevice, use: (device: VfioDevice) => T): T {
  let later = false;
  try {
    const result = use(device);
    if (result instanceof Promise) {
      later = true;
      return result.finally(() => device.dispose()) as T;
    }
    return result;
  } finally {
    if (!later) device.dispose();
  }
}

export const withEdu = <T>(use: (device: VfioDevice) => T) => using(open(EDU), use);

/** The code and line of what is thrown; undefined where nothing is. */
export function refusal(call: () => unknown): { code: string; message: string } | undefined {
  try {
    call();
    return undefined;
  } catch (error) {
    if (!GpuvmError.is(error)) throw error;
    return { code: error.code, message: error.message };
  }
}
