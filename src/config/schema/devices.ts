import * as z from 'zod';
import { address, count, deviceOptions, flag, regionSize, written } from './values.js';

const restoreChoice = z.enum(['previous', 'leave']);

export const restore = restoreChoice
  .default('previous')
  .describe(
    'What becomes of the devices at the end: they go back to the driver they had, or stay as they are.',
  );

const restoreOfOne = restoreChoice.optional().describe("The same for this device; by default as the file's.");

/** The kernel's names: what a platform bus's folder in sysfs holds. */
const platformName = z
  .string('must be text')
  .regex(
    /^(?!\.{1,2}$)[^\s/\0]{1,127}$/,
    'must be the name of a device in /sys/bus/platform/devices, such as 17000000.gpu',
  )
  .refine((value) => !/^([0-9a-f]{4}:)?[0-9a-f]{2}:[0-9a-f]{2}\.[0-7]$/i.test(value), {
    message: 'is a PCI address: it belongs under pciDevices',
  });

const platformDevice = z.strictObject({
  host: platformName.describe('Its name in /sys/bus/platform/devices, such as 17000000.gpu.'),
  mmioBase: address
    .optional()
    .describe(
      "Where the guest sees its first region; needs a QEMU whose vfio-platform has mmio-base. By default QEMU's choice.",
    ),
  regions: z
    .array(regionSize)
    .min(1, 'must have a region, or be left out')
    .max(64)
    .optional()
    .describe("Its regions' sizes in order, for planning where the device is not there."),
  interrupts: count(0, 64)
    .optional()
    .describe('How many interrupts it has, for planning where the device is not there.'),
  resetRequired: flag
    .optional()
    .describe(
      "Whether it is only used where the host can reset it; by default as vfio-platform's own parameter says.",
    ),
  restore: restoreOfOne,
  options: deviceOptions.optional(),
});

/** `0000:01:00.0` from that, or from `01:00.0`; undefined where it is no PCI address. */
export function parsePciAddress(value: string): string | undefined {
  const match = /^(?:([0-9a-f]{4}):)?([0-9a-f]{2}):([01][0-9a-f])\.([0-7])$/i.exec(value);
  if (!match) return undefined;
  const [, domain = '0000', bus, device, fn] = match;
  return `${domain}:${bus}:${device}.${fn}`.toLowerCase();
}

const pciDevice = z.strictObject({
  host: written(
    parsePciAddress,
    'a PCI address such as 0000:01:00.0',
    '^([0-9a-fA-F]{4}:)?[0-9a-fA-F]{2}:[01][0-9a-fA-F]\\.[0-7]$',
  ).describe('Its address, such as 0000:01:00.0.'),
  restore: restoreOfOne,
  options: deviceOptions.optional(),
});

export const platformDevices = z
  .array(platformDevice)
  .prefault([])
  .describe(
    "Platform devices of the host's that the guest gets, in QEMU's order: it decides their addresses and interrupts.",
  );

export const pciDevices = z
  .array(pciDevice)
  .prefault([])
  .describe("PCI devices of the host's that the guest gets.");

export const platformBus = z
  .strictObject({
    base: address.optional().describe('Where it begins.'),
    size: regionSize.optional().describe('How long it is.'),
    ramBase: address.optional().describe("Where the guest's RAM begins."),
    firstSpi: count(0, 987).optional().describe('The first of its interrupts, as an SPI.'),
    spis: count(0, 988).optional().describe('How many interrupts it has.'),
  })
  .optional()
  .describe("The machine's platform bus, for planning; by default as this QEMU has it.");
