import * as z from 'zod';
import { account, flag, text } from './values.js';

export const qemu = z
  .strictObject({
    binary: text.default('qemu-system-aarch64').describe('A path, or a name that is looked up on the PATH.'),
    user: account
      .optional()
      .describe('The account that QEMU runs as; by default the one that gpuvm runs as.'),
    group: account.optional().describe("The group that QEMU runs as; by default the account's own."),
  })
  .prefault({})
  .describe('The program that runs the VM.');

export const machine = text.describe("QEMU's -machine, with its options.");

export const display = z
  .enum(['none', 'nographic'])
  .default('none')
  .describe("nographic is QEMU's -nographic: the console is the standard input and output, as by hand.");

export const defaults = flag
  .default(false)
  .describe("Whether QEMU adds its machine's default devices and reads its own configuration files.");

export const reboot = z
  .enum(['reset', 'exit'])
  .default('reset')
  .describe('What a reset that the guest asks for does: resets the guest, or ends QEMU (-no-reboot).');

export const onPanic = z
  .enum(['pause', 'shutdown', 'exit-failure', 'none'])
  .optional()
  .describe(
    'What QEMU does when the guest panics; the guest gets the device (pvpanic-pci) that tells of it.',
  );

export const watchdog = z
  .strictObject({
    device: z
      .string('must be text')
      .regex(/^[a-z][a-z0-9_.-]*$/, "must be the name of one of QEMU's watchdog devices, such as i6300esb")
      .default('i6300esb')
      .describe("QEMU's device."),
    action: z
      .enum(['reset', 'shutdown', 'poweroff', 'inject-nmi', 'pause', 'debug', 'none'])
      .default('reset')
      .describe('What QEMU does when the guest lets it run out.'),
  })
  .optional()
  .describe("A watchdog that the guest's own system keeps quiet.");
