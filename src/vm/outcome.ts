import { ExitStatus } from '../errors.js';
import type { ProcessExit } from '../qemu/index.js';
import type { ShutdownCause } from '../qmp/index.js';
import type { Seen } from './monitor-watch.js';
import type { Rung } from './stop-ladder.js';

/** How a VM's run ended, each with the exit status that `gpuvm run` ends with. */
export const endings = {
  /** The guest powered itself off, on its own or because it was asked to. */
  'guest-shutdown': 0,
  /** It runs on, and another supervisor takes it over. */
  'handed-over': 0,
  /** The guest, or somebody for it, asked for a reset, and QEMU was told to end instead (-no-reboot, `onGuestReset`). */
  'guest-reset': 3,
  'guest-panic': 4,
  /** It was to stop and did not power off by itself; the rung of the stop ladder says what ended it. */
  stopped: 5,
  /** Somebody else ended QEMU: over QMP, by a signal. */
  'ended-from-outside': 6,
  /** The guest's watchdog ran out, and that ended QEMU. */
  watchdog: 7,
  /** QEMU ended without saying why, or with an error. */
  crash: ExitStatus.SOFTWARE,
  /** The bridge could not go on, and without it the guest has no power firmware. */
  'bridge-fault': ExitStatus.OS,
  /** The monitor connection was lost while QEMU ran on, so that the VM could not be supervised. */
  'monitor-lost': ExitStatus.PROTOCOL,
} as const satisfies Record<string, number>;
export type Ending = keyof typeof endings;

export interface Evidence {
  readonly exit: ProcessExit;
  readonly seen: Seen;
  /** The last rung that was taken, where the VM was to stop. */
  readonly rung: Rung | undefined;
  /** What we ended the VM for, if not because we were asked to. */
  readonly fault: { readonly ending: 'bridge-fault' | 'monitor-lost'; readonly message: string } | undefined;
}

export interface Outcome {
  readonly ending: Ending;
  /** One sentence for people. */
  readonly message: string;
}

export function judge({ exit, seen: { shutdown, panic, watchdog }, rung, fault }: Evidence): Outcome {
  if (fault) return { ending: fault.ending, message: fault.message };
  const how = describeExit(exit);
  if (shutdown?.reason === 'guest-panic' || panic?.action === 'pause') {
    return { ending: 'guest-panic', message: 'the guest panicked' };
  }
  if (
    watchdog &&
    (shutdown === undefined ? exit.code === 0 && rung === undefined : isReset(shutdown.reason))
  ) {
    return { ending: 'watchdog', message: `the guest's watchdog ran out (${watchdog.action})` };
  }
  if (shutdown?.guest) {
    if (isBad(exit) && rung !== 'kill') {
      return { ending: 'crash', message: `QEMU failed after the guest had ended: it ${how}` };
    }
    if (isReset(shutdown.reason)) {
      return {
        ending: 'guest-reset',
        message: 'the guest asked for a reset, which was to be its end',
      };
    }
    const asked = rung === 'powerdown' ? ', as it was asked to' : '';
    return { ending: 'guest-shutdown', message: `the guest shut down${asked}` };
  }
  if (rung !== undefined && (shutdown || !isBad(exit) || isOurs(exit.signal, rung))) {
    return { ending: 'stopped', message: `the VM was stopped by ${rungNames[rung]}` };
  }
  if (shutdown && isReset(shutdown.reason)) {
    return { ending: 'guest-reset', message: `the guest was reset from outside (${shutdown.reason})` };
  }
  if (shutdown && !isBad(exit)) {
    return { ending: 'ended-from-outside', message: `QEMU was ended from outside (${shutdown.reason})` };
  }
  return { ending: 'crash', message: `QEMU ${how} without a shutdown` };
}

function isReset(reason: ShutdownCause): boolean {
  return reason === 'guest-reset' || reason === 'host-qmp-system-reset';
}

/** Of a QEMU that was taken over only that it is gone can be known, and then its last words decide. */
function isBad({ code, signal }: ProcessExit): boolean {
  return signal !== null || (code !== null && code !== 0);
}

/** Whether a rung taken so far sent this signal. */
function isOurs(signal: NodeJS.Signals | null, rung: Rung): boolean {
  return (
    (signal === 'SIGKILL' && rung === 'kill') ||
    (signal === 'SIGTERM' && (rung === 'terminate' || rung === 'kill'))
  );
}

const rungNames: Readonly<Record<Rung, string>> = {
  powerdown: 'the power button',
  quit: "QMP's quit",
  terminate: 'SIGTERM',
  kill: 'SIGKILL',
};

export function describeExit({ code, signal }: ProcessExit): string {
  if (signal !== null) return `was killed by ${signal}`;
  return code === null ? 'is gone' : `exited with status ${code}`;
}
