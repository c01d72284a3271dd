import { readFileSync } from 'node:fs';
import { VfioDevice } from '../../../../src/vfio/device/index.js';
import { using } from './opening.js';
import { bindByHand, unbindByHand } from './orin-host.js';

/** Bound by hand for as long as it is used: binding has its own cases. */
export async function withBound<T>(name: string, use: (device: VfioDevice) => T): Promise<Awaited<T>> {
  const refused = bindByHand(name);
  if (refused !== null) throw new Error(`${name} is not bound: ${refused}`);
  try {
    return await using(VfioDevice.open(name), use);
  } finally {
    unbindByHand(name);
  }
}

/** Whether this process has a part of a device mapped. */
export const isMapped = () => readFileSync('/proc/self/maps', 'utf8').includes('vfio-device');
