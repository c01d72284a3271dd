import * as z from 'zod';
import { aDuration, count, duration } from './values.js';

/** The rungs of the stop ladder. */
export const stop = z
  .strictObject({
    powerdown: duration('20s').describe('The guest is asked to power down.'),
    quit: duration('5s').describe('QEMU is told to quit over QMP.'),
    terminate: duration('5s').describe('QEMU gets SIGTERM.'),
    kill: aDuration()
      .refine((ms) => ms >= 1000, 'must be 1s or more: it is the last rung')
      .prefault('10s')
      .describe('QEMU gets SIGKILL; it can take long where it holds devices.'),
  })
  .prefault({})
  .describe('How long each rung of the stop ladder is given; 0s leaves one of the first three out.');

export const deadlines = z
  .strictObject({
    qmp: duration('30s').describe("From QEMU's start to a working QMP connection."),
  })
  .prefault({})
  .describe('How long other things may take.');

export const restart = z
  .strictObject({
    policy: z
      .enum(['never', 'on-failure', 'always'])
      .default('never')
      .describe(
        'When the VM is started again: never, after an end that was a failure, or after any that nobody asked for.',
      ),
    delay: duration('1s').describe(
      'How long is waited before the first restart; each further wait is twice as long.',
    ),
    maxDelay: duration('1min').describe('The longest wait.'),
    limit: count(1, 1000)
      .default(5)
      .describe('How many restarts within the window are tried before it is given up.'),
    window: duration('10min').describe(
      'The time that the limit is for; after as long a run the waits begin anew.',
    ),
  })
  .prefault({})
  .describe('What follows the end of a run.');

export const onGuestReset = z
  .enum(['keep', 'restart'])
  .default('keep')
  .describe('What follows a reset of the guest: the same QEMU goes on, or a fresh one is started.');
