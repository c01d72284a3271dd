import * as z from 'zod';
import { text } from './values.js';

export const kernel = text.optional().describe('The kernel image to boot.');
export const initrd = text.optional().describe('The initial RAM disk.');

export const append = z
  .string('must be text')
  .refine((value) => !value.includes('\0'), 'must not hold a NUL character')
  .optional()
  .describe("The kernel's command line.");

export const dtb = text
  .optional()
  .describe("The device tree blob that the guest's is made from; by default QEMU's own for this machine.");

export const deviceTree = z
  .strictObject({
    overlays: z
      .array(text)
      .default([])
      .describe(
        "Overlays (.dtbo, made by dtc -@) that are merged into the guest's device tree, in this order.",
      ),
  })
  .prefault({})
  .describe("What is added to the guest's device tree.");

export const firmware = z
  .union(
    [
      text.describe("One image: QEMU's -bios."),
      z
        .strictObject({
          code: text.describe('The flash that holds the program; never written to.'),
          vars: text.describe("The flash that holds the variables: this VM's own copy, written to."),
          format: z.enum(['raw', 'qcow2']).default('raw').describe("Both files' format."),
        })
        .describe('Two flash images, such as AAVMF_CODE.fd and a copy of AAVMF_VARS.fd.'),
    ],
    'must be a path, or a map of code and vars',
  )
  .optional()
  .describe('What the machine starts, by itself or before the kernel.');
