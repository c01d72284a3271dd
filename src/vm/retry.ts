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
  return hasRunBefore || !LASTING.includes(error.exitStatus);
}
