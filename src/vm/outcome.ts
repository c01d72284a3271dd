import { ExitStatus } from '../errors.js';
import type { ProcessExit } from '../qemu/index.js';
import type { QmpEvents } from '../qmp/index.js';
import type { Rung } from './stop-ladder.js';

/** How a VM's run ended, each with the exit status that `gpuvm run` ends with. */
export const endings = {
  /** The guest powered itself off, on its own or because it was asked to. */
  'guest-shutdown': 0,
  /** The guest asked for a reset, and QEMU was told not to do one (-no-reboot). */
  'guest-reset': 3,
  'guest-panic': 4,
  /** It was to stop and did not power off by itself; the rung of the stop ladder says what ended it. */
  stopped: 5,
  /** Somebody else ended QEMU: over QMP, by a signal. */
  'ended-from-outside': 6,
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
  /** The last SHUTDOWN that QEMU sent. */
  readonly shutdown: QmpEvents['SHUTDOWN'] | undefined;
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

export function judge({ exit, shutdown, rung, fault }: Evidence): Outcome {
  if (fault) return { ending: fault.ending, message: fault.message };
  const how = describeExit(exit);
  if (shutdown?.guest) {
    if (shutdown.reason === 'guest-panic') return { ending: 'guest-panic', message: 'the guest panicked' };
    if (exit.code !== 0 && rung !== 'kill') {
      return { ending: 'crash', message: `QEMU failed after the guest had ended: it ${how}` };
    }
    if (shutdown.reason === 'guest-reset') {
      return {
        ending: 'guest-reset',
        message: 'the guest asked for a reset, which -no-reboot makes its end',
      };
    }
    const asked = rung === 'powerdown' ? ', as it was asked to' : '';
    return { ending: 'guest-shutdown', message: `the guest shut down${asked}` };
  }
  if (rung !== undefined && (shutdown || exit.code === 0 || isOurs(exit.signal, rung))) {
    return { ending: 'stopped', message: `the VM was stopped by ${rungNames[rung]}` };
  }
  if (shutdown && exit.code === 0) {
    return { ending: 'ended-from-outside', message: `QEMU was ended from outside (${shutdown.reason})` };
  }
  return { ending: 'crash', message: `QEMU ${how} without a shutdown` };
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
  return signal === null ? `exited with status ${code}` : `was killed by ${signal}`;
}
