import * as z from 'zod';
import { append, deviceTree, dtb, firmware, initrd, kernel } from './boot.js';
import { backend, bridge, policy } from './bridge.js';
import { capture } from './capture.js';
import { control, guestAgent, ready } from './control.js';
import { cpu, cpuPinning, smp } from './cpu.js';
import { pciDevices, platformBus, platformDevices, restore } from './devices.js';
import { disks } from './disks.js';
import { hooks } from './hooks.js';
import { deadlines, onGuestReset, restart, stop } from './lifecycle.js';
import { defaults, display, machine, onPanic, qemu, reboot, watchdog } from './machine.js';
import { memory, memoryBackend } from './memory.js';
import { metrics } from './metrics.js';
import { nets } from './network.js';
import { serial } from './serial.js';
import { usb } from './usb.js';
import { text } from './values.js';

const NAME = /^[A-Za-z0-9][A-Za-z0-9_.-]{0,62}$/;

/** A VM file as it is written; every key with its meaning, from which the reference and the JSON Schema are made. */
export const vmFileSchema = z.strictObject({
  name: z
    .string('must be text')
    .regex(NAME, 'must be 1 to 63 letters, digits, "_", "." or "-", and start with a letter or digit')
    .describe('What the VM is called in logs, in QEMU and in file names.'),

  qemu,
  machine,
  cpu,
  smp,
  cpuPinning,
  memory,
  memoryBackend,

  kernel,
  initrd,
  append,
  dtb,
  deviceTree,
  firmware,

  display,
  defaults,
  reboot,
  onPanic,
  watchdog,

  disks,
  nets,
  serial,
  usb,
  platformDevices,
  pciDevices,
  platformBus,
  restore,
  guestAgent,
  extraArguments: z
    .array(text)
    .default([])
    .describe('Passed on to QEMU as they are, after all others; only the variables are put in.'),

  bridge,
  backend,
  policy,

  ready,
  restart,
  onGuestReset,
  stop,
  deadlines,
  hooks,
  control,
  capture,
  metrics,
});

export type VmFile = z.output<typeof vmFileSchema>;
