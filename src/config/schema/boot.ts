import * as z from 'zod';
import { address, count, flag, size, text } from './values.js';

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

const reservedRegion = z.strictObject({
  name: z
    .string('must be text')
    .regex(/^[A-Za-z][A-Za-z0-9,._+-]{0,30}$/, 'must be the name of a node, without an address')
    .describe("The node's name below /reserved-memory, without its address."),
  address: address.describe("Where it begins, in one of the VM's carve-outs."),
  size: size.optional().describe('How long it is; by default the rest of the carve-out.'),
  compatible: z
    .array(text)
    .min(1, 'must have an entry')
    .default(['shared-dma-pool'])
    .describe('What its drivers find it by.'),
  noMap: flag.default(false).describe("Whether the guest's kernel has no mapping of it (no-map)."),
  reusable: flag.default(false).describe('Whether Linux lends it out until it is wanted (reusable).'),
  defaultPool: flag
    .default(false)
    .describe('Whether devices without a pool of their own use it (linux,cma-default).'),
  carveout: count(0, 15)
    .optional()
    .describe("Its place among the memory-region entries of /tegra-carveouts, for NVIDIA's memory manager."),
});

export const deviceTree = z
  .strictObject({
    describeDevices: flag
      .default(true)
      .describe(
        "Whether the platform devices are put into a tree that is made from QEMU's own, where the VM has no dtb but a bridge.",
      ),
    hostTree: text
      .optional()
      .describe(
        "The host's device tree, which says what its devices are; by default the running host's, which lacks what an overlay replaced.",
      ),
    profiles: z
      .array(text)
      .default([])
      .describe("Files with profiles of devices, which come before gpuvm's own (docs/device-trees.md)."),
    reservedMemory: z
      .array(reservedRegion)
      .optional()
      .describe('How the carve-outs are divided for the guest; by default as in the reference VM.'),
    overlays: z
      .array(text)
      .default([])
      .describe(
        "Overlays (.dtbo, made by dtc -@) that are merged into the guest's device tree, in this order.",
      ),
  })
  .prefault({})
  .describe("How the guest's device tree is made.");

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
