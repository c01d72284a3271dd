import * as z from 'zod';
import { backendConfigSchema } from '../bpmp/backend/schema.js';
import { parseAddress, parseDurationMs, parseSize } from './quantities.js';

/** A value that is written as text and read into something else, or refused with the words of `expected`. */
function written<T>(parse: (text: string) => T | undefined, expected: string) {
  return z.string(`must be ${expected}`).transform((text, context) => {
    const value = parse(text);
    if (value !== undefined) return value;
    context.addIssue({ code: 'custom', message: `is ${JSON.stringify(text)}, which is not ${expected}` });
    return z.NEVER;
  });
}

const text = z.string('must be text').min(1, 'must not be empty');
const size = written(parseSize, 'a size with its unit, such as 512M or 4G');
const duration = (byDefaultMs: number) =>
  written(parseDurationMs, 'a time with its unit, such as 500ms, 20s or 2min (a day at most)').default(
    byDefaultMs,
  );

/** The window is 0x600 bytes and must not leave the address space; where it may lie, the bridge says. */
const address = z
  .union([z.number(), z.string()], 'must be an address such as 0x10800000')
  .transform((value, context) => {
    const parsed = parseAddress(value);
    if (parsed !== undefined) return parsed;
    context.addIssue({
      code: 'custom',
      message: `is ${JSON.stringify(value)}, which is not an address such as 0x10800000`,
    });
    return z.NEVER;
  });

const SMP = 'must be a number of CPUs from 1 to 512, or text for -smp';
const isCount = (value: number) => Number.isInteger(value) && value >= 1 && value <= 512;

const NAME = /^[A-Za-z0-9][A-Za-z0-9_.-]{0,62}$/;

const bridge = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('none') }),
  z.strictObject({
    kind: z.literal('vfio-user').describe('A stock QEMU, 10.1 or newer: the window is a PCI device.'),
    layout: z
      .enum(['auto', 'shared', 'trapped'])
      .default('auto')
      .describe(
        'Whether part of the window is a page shared with the guest; auto shares where that is sound.',
      ),
    guestAddress: address
      .optional()
      .describe("The window's guest-physical address, as virtual-pa in the guest's /bpmp node says it."),
  }),
  z.strictObject({
    kind: z
      .literal('ivc')
      .describe(
        "A stock QEMU, 10.1 or newer, and a kernel with the mainline's drivers: the BPMP as the chip has it.",
      ),
    layout: z
      .enum(['auto', 'shared', 'trapped'])
      .default('auto')
      .describe('Whether the messages lie in pages shared with the guest; auto shares where that is sound.'),
  }),
  z.strictObject({
    kind: z.literal('interposed').describe('A patched QEMU that opens the host device itself, unchanged.'),
    device: text.default('/dev/bpmp-host').describe('The path that this QEMU opens.'),
  }),
]);

/** The rungs of the stop ladder: how long each is given before the next; 0s leaves one of the first three out. */
const stop = z.strictObject({
  powerdown: duration(20_000).describe('The guest is asked to power down.'),
  quit: duration(5_000).describe('QEMU is told to quit over QMP.'),
  terminate: duration(5_000).describe('QEMU gets SIGTERM.'),
  kill: duration(10_000)
    .refine((ms) => ms >= 1000, 'must be 1s or more: it is the last rung')
    .describe('QEMU gets SIGKILL; it can take long where it holds devices.'),
});

const deadlines = z.strictObject({
  qmp: duration(30_000).describe("From QEMU's start to a working QMP connection."),
});

/** A VM file as it is written; every key with its meaning, from which the reference and the JSON Schema are made. */
export const vmFileSchema = z.strictObject({
  name: z
    .string('must be text')
    .regex(NAME, 'must be 1 to 63 letters, digits, "_", "." or "-", and start with a letter or digit')
    .describe('What the VM is called in logs, in QEMU and in file names.'),
  qemu: z
    .strictObject({
      binary: text
        .default('qemu-system-aarch64')
        .describe('A path, or a name that is looked up on the PATH.'),
    })
    .prefault({}),
  machine: text.describe("QEMU's -machine, with its options."),
  cpu: text.optional().describe("QEMU's -cpu."),
  smp: z
    .union([z.number(), z.string()], SMP)
    .refine((value) => (typeof value === 'string' ? value !== '' : isCount(value)), SMP)
    .default(1)
    .describe("A number of CPUs, or QEMU's -smp."),
  memory: size.optional().describe('How much RAM the guest has, such as 2G.'),
  kernel: text.optional().describe('The kernel image to boot.'),
  initrd: text.optional().describe('The initial RAM disk.'),
  dtb: text
    .optional()
    .describe("The device tree blob that the guest's is made from; by default QEMU's own for this machine."),
  deviceTree: z
    .strictObject({
      overlays: z
        .array(text)
        .default([])
        .describe(
          "Overlays (.dtbo, made by dtc -@) that are merged into the guest's device tree, in this order.",
        ),
    })
    .prefault({}),
  append: z.string('must be text').optional().describe("The kernel's command line."),
  extraArguments: z
    .array(text)
    .default([])
    .describe('Passed on to QEMU as they are, after all others; only the variables are put in.'),
  bridge: bridge.default({ kind: 'none' }).describe("How the guest's BPMP requests arrive."),
  backend: backendConfigSchema
    .default({ kind: 'simulated' })
    .describe('What answers the requests that are let through.'),
  policy: text.optional().describe('The policy that decides; needed with a bridge.'),
  stop: stop.prefault({}),
  deadlines: deadlines.prefault({}),
});

export type VmFile = z.output<typeof vmFileSchema>;
