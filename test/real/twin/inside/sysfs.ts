import {
  closeSync,
  constants,
  existsSync,
  openSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  writeSync,
} from 'node:fs';
import { basename, join } from 'node:path';

const DEVICES = '/sys/bus/pci/devices';

/** Reading sysfs here does not go by way of the code that is tested. */
export function text(path: string): string | null {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return null;
  }
}

export function linked(path: string): string | null {
  try {
    return basename(readlinkSync(path));
  } catch {
    return null;
  }
}

export const override = (name: string) => text(join(DEVICES, name, 'driver_override'));
export const driver = (name: string) => linked(join(DEVICES, name, 'driver'));
export const group = (name: string) => linked(join(DEVICES, name, 'iommu_group'))!;

/** Writes as `echo` does; the errno where the kernel refuses. */
export function write(path: string, value: string): string | null {
  try {
    const fd = openSync(path, constants.O_WRONLY);
    try {
      writeSync(fd, value);
    } finally {
      closeSync(fd);
    }
    return null;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code ?? String(error);
  }
}

/** The device that has these ids. */
export function find(vendor: string, device: string): string {
  const found = readdirSync(DEVICES).find(
    (name) =>
      text(join(DEVICES, name, 'vendor'))?.trim() === vendor &&
      text(join(DEVICES, name, 'device'))?.trim() === device,
  );
  if (found === undefined) throw new Error(`no device ${vendor}:${device}`);
  return found;
}

/**
 * How the host stands: of each PCI device its driver, what it is meant for, whether it is switched on, its command register
 * and its classes' devices; VFIO's nodes; what gpuvm keeps of its own.
 */
export function state(): Record<string, string> {
  const all: Record<string, string> = {};
  for (const name of readdirSync(DEVICES)) {
    const folder = join(DEVICES, name);
    all[`${name} driver`] = driver(name) ?? 'none';
    all[`${name} override`] = override(name) ?? 'no file';
    // How often it was switched on is the driver's affair: i801_smbus never switches its device off.
    all[`${name} on`] = String(text(join(folder, 'enable'))?.trim() !== '0');
    all[`${name} command`] = command(join(folder, 'config'));
    all[`${name} interfaces`] = names(join(folder, 'net')).join(' ');
  }
  all.nodes = names('/dev/vfio').join(' ');
  all.journals = names('/var/lib/gpuvm/journal').join(' ');
  return all;
}

/** Gives each device its driver by hand. */
export function putBack(before: Record<string, string>): void {
  for (const name of readdirSync(DEVICES)) {
    const folder = join(DEVICES, name);
    if (override(name) !== '(null)\n') write(join(folder, 'driver_override'), '\n');
    const wanted = before[`${name} driver`]!;
    if ((driver(name) ?? 'none') === wanted) continue;
    write(join(folder, 'driver/unbind'), name);
    if (wanted !== 'none') write(`/sys/bus/pci/drivers/${wanted}/bind`, name);
  }
}

/** `key: before → after` for what is not the same. */
export function differences(before: Record<string, string>, after: Record<string, string>): string[] {
  return Object.keys({ ...before, ...after })
    .filter((key) => before[key] !== after[key])
    .map((key) => `${key}: ${JSON.stringify(before[key])} → ${JSON.stringify(after[key])}`);
}

export function names(folder: string): string[] {
  return existsSync(folder) ? readdirSync(folder).sort() : [];
}

function command(path: string): string {
  return `0x${readFileSync(path).readUInt16LE(4).toString(16)}`;
}
