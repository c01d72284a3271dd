import { readFile, rm } from 'node:fs/promises';
import type { VmConfig } from '../config/index.js';
import { GpuvmError } from '../errors.js';
import { escapeOption, machineArguments } from './arguments/index.js';
import { askQemu } from './ask.js';

const DEADLINE_MS = 20_000;

/**
 * The device tree that this QEMU makes for the VM file's machine, CPUs and memory, as a blob. `path` is where QEMU may
 * write it for a moment. Throws GPUVM_QEMU_START where there is no such QEMU, GPUVM_QEMU_UNSUITABLE where it makes none.
 */
export async function dumpTree(
  config: VmConfig,
  path: string,
  deadlineMs = DEADLINE_MS,
): Promise<Uint8Array> {
  const { binary } = config.qemu;
  // -S: a machine without a tree would start to run instead, until the deadline.
  const quiet = ['-nodefaults', '-no-user-config', '-display', 'none', '-S'];
  const dump = ['-machine', `dumpdtb=${escapeOption(path)}`];
  const { stderr } = await askQemu(binary, [...quiet, ...machineArguments(config), ...dump], deadlineMs);
  try {
    return await readFile(path);
  } catch (cause) {
    const said = stderr.trim().split('\n').at(-1);
    throw new GpuvmError(
      'GPUVM_QEMU_UNSUITABLE',
      `${binary} makes no device tree for the machine ${config.machine}${said ? `: ${said}` : ''}`,
      { cause, details: { binary, machine: config.machine, stderr } },
    );
  } finally {
    await rm(path, { force: true });
  }
}
