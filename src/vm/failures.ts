import type { VmConfig } from '../config/index.js';
import { GpuvmError } from '../errors.js';
import { type QemuProcess, requireVfioUser } from '../qemu/index.js';

/** How much of QEMU's stderr an error's line holds; all that was kept is in its details. */
const LAST_LINES = 3;

export function stoppedEarly(): GpuvmError {
  return new GpuvmError('GPUVM_QEMU_START', 'the VM was stopped before it ran');
}

export function stuck(pid: number): GpuvmError {
  return new GpuvmError(
    'GPUVM_QEMU_EXIT',
    `QEMU (pid ${pid}) did not end even after SIGKILL: it hangs in the kernel, and its devices may still be in use`,
    { details: { pid } },
  );
}

export function endedAtOnce({ qemu: { binary } }: VmConfig, qemu: QemuProcess, how: string): GpuvmError {
  const lines = qemu.stderr.lines;
  const said = lines.length > 0 ? `: ${lines.slice(-LAST_LINES).join(' / ')}` : ' and said nothing';
  return new GpuvmError('GPUVM_QEMU_START', `${binary} ${how} before it could be used${said}`, {
    details: { binary, stderr: lines },
  });
}

/** The better explanation where QEMU's own is that it has not what the bridge takes. */
export async function whyItCouldNotStart(error: unknown, { qemu: { binary } }: VmConfig): Promise<unknown> {
  if (!(error instanceof Error) || !error.message.includes("'vfio-user-pci' is not a valid device model"))
    return error;
  // Asked only now: a QEMU that is new enough need not wait for the question.
  return requireVfioUser(binary).then(
    () => error,
    (why) => why,
  );
}
