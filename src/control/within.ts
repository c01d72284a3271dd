import { GpuvmError } from '../errors.js';

/** Longer than any deadline that a VM keeps to itself; what is not done by then never will be. */
const DEADLINE_MS = 120_000;

/** What the VM answers, or GPUVM_QMP_TIMEOUT: a VM that hangs must not hold its callers for ever. */
export async function within<T>(answer: T | Promise<T>, what: string, deadlineMs = DEADLINE_MS): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      reject(new GpuvmError('GPUVM_QMP_TIMEOUT', `${what} did not come within ${deadlineMs} ms`));
    }, deadlineMs);
    timer.unref();
  });
  try {
    return await Promise.race([answer, late]);
  } finally {
    clearTimeout(timer);
  }
}
