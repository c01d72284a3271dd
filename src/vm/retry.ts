import { ExitStatus, GpuvmError } from '../errors.js';

/** What the next try would find just the same: the file, the policy, the host's set-up. */
const LASTING: readonly ExitStatus[] = [
  ExitStatus.USAGE,
  ExitStatus.DATA,
  ExitStatus.UNAVAILABLE,
  ExitStatus.PERMISSION,
  ExitStatus.CONFIG,
];

/** Whether a start that failed may go better next time. One that went well before may, whatever it failed with. */
export function mayTryAgain(error: unknown, hasRunBefore: boolean): boolean {
  if (!GpuvmError.is(error)) return false;
  // The VM that could not be taken over may be there still, and then nobody here knows it.
  if (error.code === 'GPUVM_HAND_OVER') return false;
  return hasRunBefore || !LASTING.includes(error.exitStatus);
}
