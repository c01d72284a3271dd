import { HANDED_OVER } from '../../errors.js';
import type { UnitState } from './unit-state.js';

/** How a service's main process ended, as systemd tells an ExecStopPost command. */
export interface ServiceEnd {
  /** $SERVICE_RESULT: `success`, `exit-code`, `signal`, `watchdog`, `timeout` … */
  readonly result: string;
  /** $EXIT_STATUS: a number, or a signal's name. */
  readonly exitStatus: string;
}

export interface Aftermath {
  /** What is left of the VM is for the supervisor that systemd starts next. */
  readonly leave: boolean;
  /** One line for the journal. */
  readonly why: string;
}

/** Ends that a supervisor does not choose, after which systemd starts it again. */
const SUDDEN = ['signal', 'core-dump', 'watchdog', 'oom-kill'];

/** Whether a QEMU that outlived its supervisor is to go on. */
export function judgeAftermath(
  end: ServiceEnd,
  unit: Pick<UnitState, 'storedDescriptors' | 'isToStop'>,
): Aftermath {
  const isPlanned = end.exitStatus === String(HANDED_OVER);
  if (!isPlanned && !SUDDEN.includes(end.result))
    return { leave: false, why: 'the supervisor ended by itself' };
  const how = isPlanned
    ? 'the supervisor hands over'
    : `the supervisor died (${end.result}, ${end.exitStatus})`;
  if (unit.storedDescriptors === 0) return { leave: false, why: `${how} and left nothing in the store` };
  if (unit.isToStop) return { leave: false, why: `${how} while the service is to stop` };
  return { leave: true, why: `${how}: its VM is left to the next one` };
}
