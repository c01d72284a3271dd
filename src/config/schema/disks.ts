import * as z from 'zod';
import { count, flag, text } from './values.js';

const disk = z.strictObject({
  file: text.describe('An image file or a block device.'),
  format: z.enum(['raw', 'qcow2']).default('raw').describe("The file's format; it is never guessed."),
  interface: z
    .enum(['virtio', 'virtio-pci', 'virtio-mmio', 'scsi', 'nvme', 'usb', 'ide'])
    .default('virtio')
    .describe(
      'How the guest sees it; virtio is PCI, or MMIO where the bridge keeps the PCI bus from the guest.',
    ),
  readonly: flag.default(false).describe('Whether the guest may only read it.'),
  cache: z
    .enum(['writeback', 'none', 'writethrough', 'directsync', 'unsafe'])
    .optional()
    .describe("How the host's page cache is used; by default writeback."),
  aio: z
    .enum(['threads', 'native', 'io_uring'])
    .optional()
    .describe('How QEMU reads and writes; native needs cache none or directsync.'),
  discard: z
    .enum(['ignore', 'unmap'])
    .optional()
    .describe('Whether what the guest discards is given back to the file system.'),
  serial: z
    .string('must be text')
    .regex(/^[\x21-\x7e]{1,20}$/, 'must be 1 to 20 printable characters without spaces')
    .optional()
    .describe('The serial number that the guest sees.'),
  bootIndex: count(0, 255).optional().describe('Firmware tries the lowest first.'),
});

export const disks = z.array(disk).default([]).describe("The guest's disks, in order.");
