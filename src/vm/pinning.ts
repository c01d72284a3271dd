import { readdirSync } from 'node:fs';
import type { CpuPinning } from '../config/index.js';
import { GpuvmError } from '../errors.js';
import { addon } from '../native/index.js';
import type { QmpClient } from '../qmp/index.js';

/**
 * Puts QEMU's threads on the host's CPUs as the VM file has it, before the guest runs its first instruction. Threads that
 * QEMU starts later have the CPUs of the one that starts them. Throws GPUVM_CONFIG where the host has none of the CPUs.
 */
export async function pinCpus({ vcpus, emulator }: CpuPinning, qmp: QmpClient, pid: number): Promise<void> {
  const cpus = await qmp.execute('query-cpus-fast');
  const threads = cpus.toSorted((a, b) => a['cpu-index'] - b['cpu-index']).map((cpu) => cpu['thread-id']);
  if (emulator !== undefined) {
    const others = readdirSync(`/proc/${pid}/task`).map(Number);
    for (const thread of others.filter((id) => !threads.includes(id))) {
      pin(thread, emulator, 'cpuPinning.emulator');
    }
  }
  for (const [index, list] of vcpus.entries()) {
    const thread = threads[index];
    if (thread !== undefined) pin(thread, list, `cpuPinning.vcpus[${index + 1}]`);
  }
}

function pin(thread: number, cpus: readonly number[], key: string): void {
  try {
    addon().setAffinity(thread, Int32Array.from(cpus));
  } catch (cause) {
    const { code, message } = cause as NodeJS.ErrnoException;
    // A worker of QEMU's may have ended since it was listed.
    if (code === 'ESRCH') return;
    const why =
      code === 'EINVAL'
        ? `this host lets us run on none of the CPUs ${cpus.join(', ')}: it has ${addon().getAffinity(0).join(', ')}`
        : message;
    throw new GpuvmError('GPUVM_CONFIG', `${key}: ${why}`, { cause });
  }
}
