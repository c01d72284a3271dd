import { release } from 'node:os';

/** Where the race below was closed. */
const FIXED = { major: 6, minor: 18 };

/**
 * True where an answer that the kernel took is an answer that the guest's call got. A signal can wake the call just
 * before it is answered; the call then ends as interrupted although sending succeeded. With WAIT_KILLABLE_RECV that
 * cannot happen from Linux 6.18 on ("seccomp: Fix a race with WAIT_KILLABLE_RECV if the tracer replies too fast").
 */
export function isSendReliable(waitKillable: boolean, kernel: string = release()): boolean {
  const [major, minor] = kernel.split('.').map((part) => Number.parseInt(part, 10));
  const isFixed = major > FIXED.major || (major === FIXED.major && minor >= FIXED.minor);
  return waitKillable && isFixed;
}
