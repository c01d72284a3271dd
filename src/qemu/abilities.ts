import { GpuvmError } from '../errors.js';
import { askQemu } from './ask.js';

export interface QemuVersion {
  readonly major: number;
  readonly minor: number;
  readonly micro: number;
  /** As QEMU prints it, the distribution's part included. */
  readonly text: string;
}

/** A cold QEMU on a slow disk takes seconds to load its libraries. */
const DEADLINE_MS = 20_000;

/** Throws GPUVM_QEMU_START where it cannot be run, GPUVM_QEMU_UNSUITABLE where it is no QEMU. */
export async function askVersion(binary: string, deadlineMs = DEADLINE_MS): Promise<QemuVersion> {
  const { stdout, stderr } = await askQemu(binary, ['--version'], deadlineMs);
  const match = /^QEMU emulator version ((\d+)\.(\d+)\.(\d+).*)$/m.exec(stdout);
  if (!match) {
    const said = (stdout || stderr).split('\n', 1)[0];
    throw new GpuvmError(
      'GPUVM_QEMU_UNSUITABLE',
      `${binary} does not answer --version as a QEMU does: ${JSON.stringify(said)}`,
      { details: { binary } },
    );
  }
  const [, text, major, minor, micro] = match;
  return { text: text!.trim(), major: Number(major), minor: Number(minor), micro: Number(micro) };
}

/**
 * The options of a device as this QEMU knows them, or undefined where it has no such device. A QEMU without the
 * device says so on stderr and still exits with 0, so the text is what counts.
 */
export async function askDevice(
  binary: string,
  device: string,
  deadlineMs = DEADLINE_MS,
): Promise<readonly string[] | undefined> {
  const { stdout } = await askQemu(binary, ['-machine', 'none', '-device', `${device},help`], deadlineMs);
  if (!stdout.startsWith(`${device} options:`)) return undefined;
  return [...stdout.matchAll(/^ {2}([\w-]+)=/gm)].map((option) => option[1]!);
}

/** The machine types that this QEMU has. */
export async function askMachines(binary: string, deadlineMs = DEADLINE_MS): Promise<readonly string[]> {
  const { stdout } = await askQemu(binary, ['-machine', 'help'], deadlineMs);
  return [...stdout.matchAll(/^(\S+) {2,}\S/gm)].map((line) => line[1]!);
}

/** What can run a guest's CPUs in this QEMU: `tcg`, `kvm`. */
export async function askAccelerators(binary: string, deadlineMs = DEADLINE_MS): Promise<readonly string[]> {
  const { stdout } = await askQemu(binary, ['-accel', 'help'], deadlineMs);
  return [...stdout.matchAll(/^(\w+)$/gm)].map((line) => line[1]!);
}

/** Throws GPUVM_QEMU_UNSUITABLE where this QEMU cannot connect to a vfio-user server. */
export async function requireVfioUser(binary: string, deadlineMs = DEADLINE_MS): Promise<void> {
  if ((await askDevice(binary, 'vfio-user-pci', deadlineMs)) !== undefined) return;
  const { major, minor, micro } = await askVersion(binary, deadlineMs);
  throw new GpuvmError(
    'GPUVM_QEMU_UNSUITABLE',
    `this QEMU ${major}.${minor}.${micro} has no vfio-user-pci: 10.1 or newer is needed, set qemu.binary in the VM file (${binary})`,
    { details: { binary, device: 'vfio-user-pci' } },
  );
}
