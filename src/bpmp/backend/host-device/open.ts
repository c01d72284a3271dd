import { closeSync, fstatSync, openSync } from 'node:fs';
import { GpuvmError } from '../../../errors.js';

const reasons: Readonly<Record<string, string>> = {
  ENOENT: 'the host kernel lacks the BPMP host proxy, or its module is not loaded',
  ENXIO: 'no driver stands behind it: load the BPMP host proxy',
  ENODEV: 'no driver stands behind it: load the BPMP host proxy',
  EACCES: 'permission denied: run as a user who may read and write it',
  EPERM: 'permission denied: run as a user who may read and write it',
  EBUSY: 'another program has it open',
  EISDIR: 'it is a directory, not a device',
};

/** Opens the device for reading and writing; the descriptor is the caller's to close. */
export function openDevice(path: string): number {
  let fd: number;
  try {
    fd = openSync(path, 'r+');
  } catch (cause) {
    const code = (cause as NodeJS.ErrnoException).code ?? 'EIO';
    const what = code === 'ENOENT' ? `no ${path}` : `cannot open ${path}`;
    throw new GpuvmError('GPUVM_HOST_DEVICE', `${what}: ${reasons[code] ?? code}`, {
      cause,
      details: { path, code },
    });
  }
  try {
    if (!fstatSync(fd).isDirectory()) return fd;
  } catch {
    // It can be opened, so it is not for us to doubt it.
    return fd;
  }
  closeSync(fd);
  throw new GpuvmError('GPUVM_HOST_DEVICE', `cannot open ${path}: ${reasons.EISDIR}`, { details: { path } });
}
