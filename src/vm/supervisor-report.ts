import type { HostUndone } from './host-devices.js';
import type { Ending } from './outcome.js';
import type { EndReport } from './report.js';

/** How a supervised VM ended: its last run, and what was around it. */
export interface SupervisorReport extends EndReport {
  /** How often QEMU was started anew. */
  readonly restarts: number;
  /** Why there was no further restart although the file asks for restarts. */
  readonly gaveUp?: string;
  /** The host's devices on their way back; absent where there were none. */
  readonly undone?: HostUndone;
  /** The report on a failure, as text; the same as JSON lies beside it. */
  readonly crashReport?: string;
}

const failures: ReadonlySet<Ending> = new Set([
  'guest-panic',
  'watchdog',
  'crash',
  'bridge-fault',
  'monitor-lost',
]);

/** Whether a run ended in a way that nobody wanted, which restarts and crash reports are for. */
export function isFailure(ending: Ending): boolean {
  return failures.has(ending);
}

/** A stop while nothing ran is no failure any more, whatever the run before was. */
export function stoppedWhileWaiting(last: EndReport): EndReport {
  const message = `the VM was stopped while it waited to be started again (before that: ${last.message})`;
  return { ...last, ending: 'stopped', message };
}

/** Whether the run ended because the guest was reset, by itself, by its watchdog, or from outside. */
export function wasReset({ ending, shutdown }: EndReport): boolean {
  const reason = shutdown?.reason;
  return ending === 'guest-reset' || (ending === 'watchdog' && reason === 'guest-reset');
}
